"""Operations: every root field with all that can be asked below it, each part by a switch."""

from __future__ import annotations

from tests.isolation.fillings import NUMBERS, PEOPLE, QUARTERS, REGIONS, TIMES

ORDER_IDS = [f"{kind}:{number}" for kind in ("AlibabaOrder", "PandaoOrder") for number in NUMBERS]

PARCELS = [f"{number}.{party}" for party in ("ALIBABA", "MAILRU") for number in NUMBERS]

ORDER = """fragment O on OrderConnection {
    totalCount @include(if: $total)
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { ...N } }
}
fragment N on Order {
    __typename id party placedAt status statusRaw total { minor currency amount }
    lines { productId name category quantity total { minor } }
    shipments { trackingNumber orderIds progress { milestone reachedAt } events { place } }
    ... on AlibabaOrder { logisticsStatus }
    ... on PandaoOrder { transactionId refunds { refundedAt amount { minor } reason } }
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

REPORT = """fragment R on FundReport {
    quarter version publishedAt nav { amount } gmv { minor } positions { shareholder stake nav { minor } }
    capitalCalls { shareholder day amount { minor } } distributionPayments { day }
    kpis { name value } versions { version }
}"""

FILTERS = [
    *(f'region: "{region}"' for region in REGIONS),
    *(f"party: {party}" for party in ("ALIBABA", "MAILRU")),
    f'placedAfter: "{TIMES[1]}"',
    f'placedAfter: "{TIMES[-1]}"',
    f'placedBefore: "{TIMES[1]}"',
]


def everything() -> str:
    """One operation for all of it: each filter, each order and each client by its id, each report."""
    known = [f"known{place}" for place in range(len(PEOPLE))]
    theirs = [f"theirs{place}" for place in range(3)]
    ids = ", ".join(f"${name}: ID!" for name in known + theirs)
    parts = [
        "all: clients { totalCount edges { cursor node { ...C } } }",
        *(
            f"f{n}: clients(filter: {{{each}}}) {{ totalCount nodes {{ id }} }}"
            for n, each in enumerate(FILTERS)
        ),
        *(f"{name}: client(id: ${name}) {{ region orders {{ totalCount }} }}" for name in known),
        *(f"{name}: client(id: ${name}) {{ id }}" for name in theirs),
        *(f'n{n}: node(id: "{each}") {{ id }}' for n, each in enumerate(ORDER_IDS)),
        *(f'p{n}: shipment(trackingNumber: "{each}") {{ shippedAt }}' for n, each in enumerate(PARCELS)),
        "corridors { route volume legs { leg volume median percentile90 } }",
        *(f'r{each}: fundReport(quarter: "{each}") {{ ...R }}' for each in QUARTERS),
    ]
    below = SWITCHES.partition("$n:")[0]
    fragments = CLIENT.replace("(first: $n, after: $past, party: $of)", "")
    return f"query({ids}, {below}) {{ {' '.join(parts)} }} {fragments} {REPORT}"


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
    "report": f"query($quarter: String!) {{ fundReport(quarter: $quarter) {{ ...R }} }} {REPORT}",
    "caller": "{ caller { party application purpose scopes } __schema { types { name } } }",
    "ids": "{ clients { nodes { __typename id } } }",
    "everything": everything(),
}
