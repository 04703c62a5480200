"""How every object type of the schema is reached, so that each of its fields can be asked.

`<name>` stands for a value of the case: an id of the owner's, a token of the asker's, see `test_authorization.py`.
"""

from tests.support import staff_ways

# Root fields with the arguments that aim at what the owner has.
QUERIES = {
    "viewer": "viewer",
    "me": "me",
    "nearbyStores": "nearbyStores(at: {latitude: 29.59, longitude: 52.58}, radiusMeters: 50000)",
    "stores": "stores",
    "storeClusters": "storeClusters(bounds: {south: 25, west: 44, north: 40, east: 64}, zoom: 5)",
    "store": "store(id: <store>)",
    "storeCategories": "storeCategories",
    "provinces": "provinces",
    "purchase": "purchase(id: <purchase>)",
    "loanRounds": "loanRounds",
    "loanRound": "loanRound(id: <round>)",
    "node": "node(id: <purchase>)",
    "approvals": "approvals",
    "approval": "approval(id: <approval>)",
    "auditTrail": "auditTrail",
    "provinceRecords": "provinceRecords",
    "associations": "associations",
    "members": 'members(search: "احمدی")',
    "member": 'member(id: <member>, purpose: "x")',
    "storeRecords": "storeRecords",
    "storeRecord": "storeRecord(id: <store>)",
    "storeSettlement": "storeSettlement(id: <store>)",
}
_DEVICE = 'deviceId: <device>, platform: ANDROID, appVersion: "1.4.2", locale: FA'
_REGISTER = f"deviceRegister(input: {{{_DEVICE}, pushProvider: FCM, pushToken: <asker>}})"
_ASK = (
    "signInCodeRequest(input: {nationalCode: <code>, phone: <phone>, device: {%s, platform: WEB}})"
)
_CONFIRM = "signInCodeConfirm(input: {requestId: <request>, code: <digits>, deviceId: <device>})"
_NO_REQUEST = '"01989e00-0000-7000-8000-00000000000f"'

# What each asker tries: always at what is the owner's, where the mutation can name it.
MUTATIONS = {
    "signInCodeRequest": _ASK % 'id: <device>, name: "x"',
    "signInCodeConfirm": _CONFIRM.replace("<request>", _NO_REQUEST).replace("<digits>", '"000000"'),
    "sessionRefresh": "sessionRefresh(input: {refreshToken: <asker_refresh>, deviceId: <device>})",
    "sessionEnd": "sessionEnd",
    "sessionRevoke": "sessionRevoke(input: {sessionId: <session>})",
    "deviceRegister": _REGISTER,
    "deviceUnregister": "deviceUnregister(input: {deviceId: <device>})",
    "memberPreferencesUpdate": "memberPreferencesUpdate(input: {textSize: HUGE})",
    "storeFavouriteSet": "storeFavouriteSet(input: {storeId: <store>, favourite: false})",
    "noticesMarkRead": "noticesMarkRead(input: {ids: [<notice>]})",
    "approvalGrant": 'approvalGrant(input: {approvalId: <approval>, digest: ""})',
    "approvalReveal": "approvalReveal(input: {approvalId: <approval>})",
    "approvalRefuse": 'approvalRefuse(input: {approvalId: <approval>, reason: "x"})',
    "approvalWithdraw": "approvalWithdraw(input: {approvalId: <approval>})",
}

_NEW_STORE = (
    'storeCreate(input: {code: "x", name: "x", categoryId: "x", provinceCode: "IR-07", city: "x", address: "x",'
    " openingHours: [], location: {latitude: 29, longitude: 52}})"
)
_OF_STORE = 'id: <store>, version: 1, reason: "x"'
_OF_MEMBER = 'memberId: <member>, reason: "x"'
MUTATIONS |= {
    "storeCreate": _NEW_STORE,
    "storeUpdate": 'storeUpdate(input: {id: <store>, version: 1, name: "x"})',
    "storeSuspend": f"storeSuspend(input: {{{_OF_STORE}}})",
    "storeResume": f"storeResume(input: {{{_OF_STORE}}})",
    "storeIbanChange": 'storeIbanChange(input: {storeId: <store>, iban: "x", reason: "x"})',
    "provinceOpenSet": 'provinceOpenSet(input: {provinceCode: "IR-07", members: false, reason: "x"})',
    "memberFreezeLift": f"memberFreezeLift(input: {{{_OF_MEMBER}}})",
    "memberPhoneChange": f"memberPhoneChange(input: {{phone: <phone>, {_OF_MEMBER}}})",
    "memberPhoneChangeCancel": f"memberPhoneChangeCancel(input: {{{_OF_MEMBER}}})",
}

_ME = "{ me { %s } }"
_STORE = f"{{ {QUERIES['store']} {{ %s }} }}"
_NEARBY = f"{{ {QUERIES['nearbyStores']} {{ %s }} }}"
_CLUSTERS = f"{{ {QUERIES['storeClusters']} {{ %s }} }}"

# Types that queries lead to.
TYPES = {
    "Viewer": "{ viewer { %s } }",
    "Member": _ME,
    "MemberPreferences": _ME % "preferences { %s }",
    "CategoryChannels": _ME % "preferences { channels { %s } }",
    "ClubCode": _ME % "clubCode { %s }",
    "Branch": _ME % "branch { %s }",
    "Association": _ME % "association { %s }",
    "CreditLine": _ME % "credit { %s }",
    "PurchaseConnection": _ME % "purchases { %s }",
    "PurchaseEdge": _ME % "purchases { edges { %s } }",
    "Purchase": _ME % "purchases { edges { node { %s } } }",
    "MonthTotal": _ME % 'purchaseTotals(from: "1405-01", to: "1405-09") { %s }',
    "MonthDeduction": _ME % "nextDeduction { %s }",
    "InstalmentConnection": _ME % "instalments { %s }",
    "InstalmentEdge": _ME % "instalments { edges { %s } }",
    "Instalment": _ME % "instalments { edges { node { %s } } }",
    "LoanApplicationConnection": _ME % "loanApplications { %s }",
    "LoanApplicationEdge": _ME % "loanApplications { edges { %s } }",
    "LoanApplication": _ME % "loanApplications { edges { node { %s } } }",
    "LoanApplicationEvent": _ME % "loanApplications { edges { node { timeline { %s } } } }",
    "LoanRound": "{ loanRounds { %s } }",
    "NoticeConnection": _ME % "notices { %s }",
    "NoticeEdge": _ME % "notices { edges { %s } }",
    "Notice": _ME % "notices { edges { node { %s } } }",
    "Session": _ME % "sessions { %s }",
    "Device": _ME % "devices { %s }",
    "AccessLogConnection": _ME % "accessLog { %s }",
    "AccessLogEdge": _ME % "accessLog { edges { %s } }",
    "AccessLogEntry": _ME % "accessLog { edges { node { %s } } }",
    "PageInfo": _ME % "purchases(first: 1) { pageInfo { %s } }",
    "Store": _STORE,
    "StoreCategory": _STORE % "category { %s }",
    "InstalmentTerms": _STORE % "terms { %s }",
    "Offer": _STORE % "offers { %s }",
    "OpeningPeriod": _STORE % "openingHours { %s }",
    "OpeningException": _STORE % "openingExceptions { %s }",
    "OpeningTimes": _STORE % "openingExceptions { periods { %s } }",
    "GeoPoint": _STORE % "location { %s }",
    "Province": "{ provinces { %s } }",
    "StoreConnection": "{ stores { %s } }",
    "StoreEdge": "{ stores { edges { %s } } }",
    "NearbyStoreConnection": _NEARBY,
    "NearbyStoreEdge": _NEARBY % "edges { %s }",
    "StoreCluster": _CLUSTERS,
    "GeoBounds": _CLUSTERS % "bounds { %s }",
    "ApprovalConnection": "{ approvals { %s } }",
    "ApprovalEdge": "{ approvals { edges { %s } } }",
    "Approval": "{ approvals { edges { node { %s } } } }",
    "AuditEntryConnection": "{ auditTrail { %s } }",
    "AuditEntryEdge": "{ auditTrail { edges { %s } } }",
    "AuditEntry": "{ auditTrail { edges { node { %s } } } }",
    "ValueChange": "{ auditTrail { edges { node { changes { %s } } } } }",
}

_MEMBERS = f"{{ {QUERIES['members']} {{ %s }} }}"
_RECORD = f"{{ {QUERIES['storeRecord']} {{ %s }} }}"
_RECORDS = "{ storeRecords { %s } }"
_FILE = f"{{ {QUERIES['member']} {{ %s }} }}"
TYPES |= {
    "MemberSummaryConnection": _MEMBERS,
    "MemberSummaryEdge": _MEMBERS % "edges { %s }",
    "MemberSummary": _MEMBERS % "edges { node { %s } }",
    "MemberFile": _FILE,
    "MemberTrailConnection": _FILE % "trail { %s }",
    "MemberTrailEdge": _FILE % "trail { edges { %s } }",
    "MemberTrailEntry": _FILE % "trail { edges { node { %s } } }",
    "StoreRecordConnection": _RECORDS,
    "StoreRecordEdge": _RECORDS % "edges { %s }",
    "StoreRecord": _RECORD,
    "StoreRecordOffer": _RECORD % "offers { %s }",
    "StoreSettlement": f"{{ {QUERIES['storeSettlement']} {{ %s }} }}",
    "ProvinceRecord": "{ provinceRecords { %s } }",
    "AssociationRecordConnection": "{ associations { %s } }",
    "AssociationRecordEdge": "{ associations { edges { %s } } }",
    "AssociationRecord": "{ associations { edges { node { %s } } } }",
    "Actor": "{ auditTrail { edges { node { doneBy { %s } } } } }",
}

# Arguments without which a field can't be asked.
ARGUMENTS = {"Member.purchaseTotals": '(from: "1405-01", to: "1405-09")'}

# Types that mutations answer with: the mutation that does.
ANSWERS = {
    "SignInCodeSent": MUTATIONS["signInCodeRequest"],
    "SignInHelp": MUTATIONS["signInCodeRequest"] + " { ... on SignInCodeSent { help { %s } } }",
    "RetrieverHashInvalid": _ASK % 'id: <device>, name: "x", smsRetrieverHash: "x"',
    "DeviceInvalid": _ASK % 'id: "", name: "x"',
    "SignedIn": MUTATIONS["sessionRefresh"],
    "CodeInvalid": MUTATIONS["signInCodeConfirm"],
    "CodeMalformed": _CONFIRM.replace("<request>", _NO_REQUEST).replace("<digits>", '"x"'),
    "ProvinceNotOpen": _CONFIRM,
    "MemberFileClosed": _CONFIRM,
    "SessionInvalid": 'sessionRefresh(input: {refreshToken: "x", deviceId: <device>})',
    "SessionExpired": "sessionRefresh(input: {refreshToken: <expired>, deviceId: <device>})",
    "RefreshKeyMismatch": "sessionRefresh(input: {refreshToken: <used>, deviceId: <device>})",
    "SessionEnded": MUTATIONS["sessionRevoke"],
    "SessionNotFound": 'sessionRevoke(input: {sessionId: "x"})',
    "DeviceRegistered": MUTATIONS["deviceRegister"],
    "DeviceUnregistered": MUTATIONS["deviceUnregister"],
    "MemberPreferencesUpdated": MUTATIONS["memberPreferencesUpdate"],
    "SecurityNoticesUnheard": (
        "memberPreferencesUpdate(input: {channels: [{category: SECURITY, channels: []}]})"
    ),
    "StoreFavouriteChanged": MUTATIONS["storeFavouriteSet"],
    "StoreNotFound": 'storeFavouriteSet(input: {storeId: "x", favourite: true})',
    "FavouritesFull": "storeFavouriteSet(input: {storeId: <other_store>, favourite: true})",
    "NoticesMarked": MUTATIONS["noticesMarkRead"],
    "NoticesChoiceInvalid": "noticesMarkRead(input: {})",
    "ApprovalDecided": MUTATIONS["approvalGrant"],
    "ApprovalRevealed": MUTATIONS["approvalReveal"],
    "RevealedValue": MUTATIONS["approvalReveal"] + " { ... on ApprovalRevealed { values { %s } } }",
}
ANSWERS |= {
    "ApprovalAsked": MUTATIONS["memberFreezeLift"],
    "PhoneChangeCancelled": MUTATIONS["memberPhoneChangeCancel"],
    "StoreSaved": MUTATIONS["storeUpdate"],
    "StoreInvalid": MUTATIONS["storeUpdate"],
    "StoreProblem": MUTATIONS["storeUpdate"] + " { ... on StoreInvalid { problems { %s } } }",
    "StoreChangedMeanwhile": MUTATIONS["storeUpdate"],
    "ProvinceOpenChanged": MUTATIONS["provinceOpenSet"],
}

QUERIES |= staff_ways.QUERIES
MUTATIONS |= staff_ways.MUTATIONS
TYPES |= staff_ways.TYPES
ANSWERS |= staff_ways.ANSWERS
