"""Operations: every root field with all that can be asked below it, each part by a switch."""

from __future__ import annotations

ORDER = """fragment O on OrderConnection {
    totalCount @include(if: $total)
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { ...N } }
}
fragment N on Order {
    __typename id party placedAt status statusRaw total { minor currency amount }
    lines { productId name category quantity total { minor } }
    ... on AlibabaOrder { logisticsStatus }
    ... on PandaoOrder { transactionId }
}"""

CLIENT = f"""fragment C on Client {{
    __typename id region
    profile @include(if: $profile) {{ name email phone }}
    orders(first: $n, after: $past, party: $of) @include(if: $orders) {{ ...O }}
    alibaba @include(if: $accounts) {{ memberSince lifetimeValue {{ minor currency }} orders(first: 2) {{ ...O }} }}
    mailru @include(if: $accounts) {{
        memberSince lifetimeValue {{ minor currency }} segments {{ id name }} orders(first: 2) {{ ...O }}
    }}
}}
{ORDER}"""

SWITCHES = """$profile: Boolean!, $orders: Boolean!, $accounts: Boolean!, $total: Boolean!,
    $n: Int, $past: String, $of: Party"""

DOCUMENTS = {
    "clients": f"""query($first: Int, $after: String, $last: Int, $before: String, $filter: ClientFilter, {SWITCHES}) {{
        clients(first: $first, after: $after, last: $last, before: $before, filter: $filter) {{
            totalCount @include(if: $total)
            pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
            edges {{ cursor node {{ ...C }} }}
        }}
    }} {CLIENT}""",
    "client": f"query($id: ID!, {SWITCHES}) {{ client(id: $id) {{ ...C }} }} {CLIENT}",
    "node": f"query($id: ID!, {SWITCHES}) {{ node(id: $id) {{ id ...C ...N }} }} {CLIENT}",
    "report": """query($quarter: String!) { fundReport(quarter: $quarter) {
        quarter version publishedAt nav { amount } gmv { minor } positions { shareholder stake nav { minor } }
        capitalCalls { shareholder day amount { minor } } distributionPayments { day }
    } }""",
    "caller": "{ caller { party application purpose scopes } __schema { types { name } } }",
}
