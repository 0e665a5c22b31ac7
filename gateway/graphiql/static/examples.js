/** Examples: the operations a newcomer finds, one a tab. */

const clients = `# Clients, and what they bought from whom.
# Ctrl-Space completes, Ctrl-Enter runs.
query ClientsWithOrders {
  clients(first: 5) {
    totalCount
    nodes {
      id
      region
      orders(first: 3) {
        nodes {
          party
          placedAt
          status
          total { amount currency }
          lines { name quantity }
        }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`;

const buyers = `# How many bought in the period given below.
query Buyers($period: ClientFilter!) {
  clients(first: 1, filter: $period) {
    totalCount
  }
}
`;

const period = { period: { placedAfter: "2017-10-01T00:00:00Z", placedBefore: "2018-01-01T00:00:00Z" } };

const report = `# The fund's books of a quarter.
# Needs the scope fund:reports.
query FundReport {
  fundReport(quarter: "2017Q4") {
    publishedAt
    nav { amount currency }
    positions {
      shareholder
      stake
      nav { amount }
      contributions { amount }
    }
    capitalCalls { shareholder day amount { amount } }
  }
}
`;

export const examples = [
  { query: clients },
  { query: buyers, variables: JSON.stringify(period, null, 2) },
  { query: report },
];

/** What a new tab begins with. */
export const blank = "# Ctrl-Space completes, Ctrl-Enter runs.\n\n";
