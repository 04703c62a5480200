"""What everybody asks on the walk through all roles: each root field with arguments that would do, were it allowed.

`<name>` stands for a value of `role_world.World.given`, `<own_…>` for what the asker has.
"""

_WHY = "reason: <reason>"
_HOURS = 'openingHours: [{weekday: SATURDAY, opens: "09:00", closes: "13:00"}]'
_AT = "location: {latitude: 29.61, longitude: 52.53}"
_SCOPE = 'scope: {provinceCodes: ["IR-07"]}'
_NEW = 'userName: "new.one", name: "کارمند", office: "شعبه"'
_OPERATOR = f"operatorId: <target>, {_WHY}"
_MEMBER_DEVICE = 'deviceId: <own_device>, platform: ANDROID, appVersion: "1.4.2", locale: FA'
_FILE = f'fileName: "walk.csv", sizeBytes: 10, sha256: "{"0" * 64}"'
_NO_REQUEST = '"01989e00-0000-7000-8000-00000000000f"'

# Root fields; behind a colon what `node` is asked for.
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
    "node:Store": "node(id: <store>)",
    "node:Member": "node(id: <member>)",
    "node:Purchase": "node(id: <purchase>)",
    "node:Instalment": "node(id: <instalment>)",
    "node:LoanRound": "node(id: <round>)",
    "node:LoanApplication": "node(id: <application>)",
    "node:Notice": "node(id: <notice>)",
    "node:Operator": "node(id: <target>)",
    "node:Approval": "node(id: <approval>)",
    "node:FileImport": "node(id: <file_import>)",
    "operatorAccount": "operatorAccount",
    "operators": 'operators(search: "target")',
    "operator": "operator(id: <target>)",
    "breakGlassUses": "breakGlassUses",
    "cashierAccount": "cashierAccount",
    "storeDevices": "storeDevices(storeId: <store>)",
    "storeCashiers": "storeCashiers(storeId: <store>)",
    "members": 'members(search: "10000001")',
    "member": "member(id: <member>, purpose: <reason>)",
    "storeRecords": 'storeRecords(search: "hafez")',
    "storeRecord": "storeRecord(id: <store>)",
    "storeSettlement": "storeSettlement(id: <store>)",
    "approvals": "approvals",
    "approval": "approval(id: <approval>)",
    "provinceRecords": "provinceRecords",
    "associations": 'associations(search: "A-07-1")',
    "fileImports": "fileImports",
    "fileImport": "fileImport(id: <file_import>)",
    "auditTrail": 'auditTrail(filter: {action: "test.everything"})',
}

MUTATIONS = {
    "signInCodeRequest": "signInCodeRequest(input: {nationalCode: <national_code>, phone: <phone>,"
    ' device: {id: "walk", name: "walk", platform: WEB}})',
    "signInCodeConfirm": "signInCodeConfirm(input:"
    f' {{requestId: {_NO_REQUEST}, code: "000000", deviceId: "walk"}})',
    "sessionRefresh": "sessionRefresh(input: {refreshToken: <own_refresh>, deviceId: <own_device>})",
    "sessionEnd": "sessionEnd",
    "sessionRevoke": "sessionRevoke(input: {sessionId: <own_session>})",
    "deviceRegister": f"deviceRegister(input: {{{_MEMBER_DEVICE}, pushProvider: NONE}})",
    "deviceUnregister": "deviceUnregister(input: {deviceId: <own_device>})",
    "memberPreferencesUpdate": "memberPreferencesUpdate(input: {textSize: HUGE})",
    "storeFavouriteSet": "storeFavouriteSet(input: {storeId: <store>, favourite: true})",
    "noticesMarkRead": "noticesMarkRead(input: {ids: [<notice>]})",
    "operatorSignIn": "operatorSignIn(input:"
    ' {userName: "target", password: <password>, totp: <target_totp>})',
    "operatorReauthenticate": "operatorReauthenticate(input: {totp: <own_totp>})",
    "operatorPasswordChange": "operatorPasswordChange(input:"
    ' {currentPassword: <password>, newPassword: "four unrelated words here", totp: <own_totp>})',
    "operatorRecoveryCodesRenew": "operatorRecoveryCodesRenew(input: {totp: <own_totp>})",
    "operatorEnrolBegin": "operatorEnrolBegin(input:"
    ' {userName: "invited.one", invitationCode: <invitation>, password: "four unrelated words here"})',
    "operatorEnrolConfirm": "operatorEnrolConfirm(input:"
    ' {userName: "invited.two", invitationCode: <invitation>, totp: <begun_totp>})',
    "operatorCreate": f"operatorCreate(input: {{{_NEW}, roles: [OBSERVER], {_SCOPE},"
    ' nationalCode: "0084575948", phone: "09121234577", %s})' % _WHY,
    "operatorRolesSet": f"operatorRolesSet(input: {{roles: [SUPPORT], {_SCOPE}, {_OPERATOR}}})",
    "operatorResume": f"operatorResume(input: {{operatorId: <resting>, {_WHY}}})",
    "operatorReset": f"operatorReset(input: {{{_OPERATOR}}})",
    "operatorSuspend": f"operatorSuspend(input: {{{_OPERATOR}}})",
    "operatorUnlock": f"operatorUnlock(input: {{{_OPERATOR}}})",
    "breakGlass": f"breakGlass(input: {{role: REGISTRAR, hours: 1, {_WHY}}})",
    "breakGlassEnd": "breakGlassEnd",
    "storeDeviceCodeCreate": 'storeDeviceCodeCreate(input: {storeId: <store>, deviceName: "x"})',
    "storeDeviceEnrol": 'storeDeviceEnrol(input: {storeCode: "hafez", code: <device_code>})',
    "storeDeviceRevoke": f"storeDeviceRevoke(input: {{storeDeviceId: <till>, {_WHY}}})",
    "cashierCreate": 'cashierCreate(input: {storeId: <store>, userName: "new.one", name: "x"})',
    "cashierPasswordRenew": f"cashierPasswordRenew(input: {{cashierId: <cashier>, {_WHY}}})",
    "cashierStateSet": f"cashierStateSet(input: {{cashierId: <cashier>, state: SUSPENDED, {_WHY}}})",
    "cashierSignIn": 'cashierSignIn(input: {storeCode: "hafez", userName: <cashier_name>,'
    " password: <password>, deviceId: <till_secret>})",
    "cashierPasswordChange": "cashierPasswordChange(input:"
    ' {currentPassword: <password>, newPassword: "four unrelated words here"})',
    "memberFreezeLift": f"memberFreezeLift(input: {{memberId: <frozen>, {_WHY}}})",
    "memberPhoneChange": "memberPhoneChange(input:"
    f' {{memberId: <member>, phone: "09121234566", {_WHY}}})',
    "memberPhoneChangeCancel": f"memberPhoneChangeCancel(input: {{memberId: <moving>, {_WHY}}})",
    "storeCreate": 'storeCreate(input: {code: "walk-1", name: "کفش", categoryId: <category>,'
    f' provinceCode: "IR-07", city: "شیراز", address: "خیابان زند", {_AT}, {_HOURS}}})',
    "storeUpdate": 'storeUpdate(input: {id: <store>, version: <version>, name: "کفش وین"})',
    "storeSuspend": f"storeSuspend(input: {{id: <store>, version: <version>, {_WHY}}})",
    "storeResume": f"storeResume(input: {{id: <closed_store>, version: <closed_version>, {_WHY}}})",
    "storeIbanChange": "storeIbanChange(input:"
    f' {{storeId: <store>, iban: "IR430120000000000000000001", {_WHY}}})',
    "provinceOpenSet": 'provinceOpenSet(input: {provinceCode: "IR-07", members: false, '
    + _WHY
    + "})",
    "memberImportBegin": f'memberImportBegin(input: {{{_FILE}, month: "1405-09"}})',
    "storeImportBegin": f"storeImportBegin(input: {{{_FILE}}})",
    "fileImportStart": "fileImportStart(input: {importId: <file_import>, dryRun: true})",
    "fileImportCancel": "fileImportCancel(input: {importId: <file_import>})",
    "approvalGrant": "approvalGrant(input: {approvalId: <approval>, digest: <digest>})",
    "approvalReveal": "approvalReveal(input: {approvalId: <approval>})",
    "approvalRefuse": f"approvalRefuse(input: {{approvalId: <approval>, {_WHY}}})",
    "approvalWithdraw": f"approvalWithdraw(input: {{approvalId: <approval>, {_WHY}}})",
}

# How the types are reached behind a root field: the path of fields from it, which stands before the point.
TYPES = {
    "Viewer": "viewer",
    "Member": "me",
    "MemberPreferences": "me.preferences",
    "CategoryChannels": "me.preferences.channels",
    "ClubCode": "me.clubCode",
    "Branch": "me.branch",
    "Association": "me.association",
    "CreditLine": "me.credit",
    "PurchaseConnection": "me.purchases",
    "PurchaseEdge": "me.purchases.edges",
    "Purchase": "me.purchases.edges.node",
    "MonthTotal": 'me.purchaseTotals(from: "1405-01", to: "1405-09")',
    "MonthDeduction": "me.nextDeduction",
    "InstalmentConnection": "me.instalments",
    "InstalmentEdge": "me.instalments.edges",
    "Instalment": "me.instalments.edges.node",
    "LoanApplicationConnection": "me.loanApplications",
    "LoanApplicationEdge": "me.loanApplications.edges",
    "LoanApplication": "me.loanApplications.edges.node",
    "LoanApplicationEvent": "me.loanApplications.edges.node.timeline",
    "LoanRound": "loanRounds",
    "NoticeConnection": "me.notices",
    "NoticeEdge": "me.notices.edges",
    "Notice": "me.notices.edges.node",
    "Session": "me.sessions",
    "Device": "me.devices",
    "AccessLogConnection": "me.accessLog",
    "AccessLogEdge": "me.accessLog.edges",
    "AccessLogEntry": "me.accessLog.edges.node",
    "PageInfo": "members.pageInfo",
    "Store": "store",
    "StoreCategory": "storeCategories",
    "InstalmentTerms": "store.terms",
    "Offer": "store.offers",
    "OpeningPeriod": "store.openingHours",
    "OpeningException": "store.openingExceptions",
    "OpeningTimes": "store.openingExceptions.periods",
    "GeoPoint": "store.location",
    "Province": "provinces",
    "StoreConnection": "stores",
    "StoreEdge": "stores.edges",
    "NearbyStoreConnection": "nearbyStores",
    "NearbyStoreEdge": "nearbyStores.edges",
    "StoreCluster": "storeClusters",
    "GeoBounds": "storeClusters.bounds",
    "OperatorAccount": "operatorAccount",
    "StaffSession": "operatorAccount.sessions",
    "OperatorConnection": "operators",
    "OperatorEdge": "operators.edges",
    "Operator": "operators.edges.node",
    "OperatorScope": "operators.edges.node.scope",
    "BreakGlassUseConnection": "breakGlassUses",
    "BreakGlassUseEdge": "breakGlassUses.edges",
    "BreakGlassUse": "breakGlassUses.edges.node",
    "CashierAccount": "cashierAccount",
    "StoreDevice": "storeDevices",
    "Cashier": "storeCashiers",
    "MemberSummaryConnection": "members",
    "MemberSummaryEdge": "members.edges",
    "MemberSummary": "members.edges.node",
    "MemberFile": "member",
    "MemberTrailConnection": "member.trail",
    "MemberTrailEdge": "member.trail.edges",
    "MemberTrailEntry": "member.trail.edges.node",
    "StoreRecordConnection": "storeRecords",
    "StoreRecordEdge": "storeRecords.edges",
    "StoreRecord": "storeRecord",
    "StoreRecordOffer": "storeRecord.offers",
    "StoreSettlement": "storeSettlement",
    "ApprovalConnection": "approvals",
    "ApprovalEdge": "approvals.edges",
    "Approval": "approvals.edges.node",
    "FileImportConnection": "fileImports",
    "FileImportEdge": "fileImports.edges",
    "FileImport": "fileImports.edges.node",
    "FileImportCounts": "fileImports.edges.node.counts",
    "FileImportUnusual": "fileImports.edges.node.unusual",
    "FileImportError": "fileImports.edges.node.error",
    "FileImportProblem": "fileImports.edges.node.problems",
    "AuditEntryConnection": "auditTrail",
    "AuditEntryEdge": "auditTrail.edges",
    "AuditEntry": "auditTrail.edges.node",
    "ValueChange": "auditTrail.edges.node.changes",
    "Actor": "auditTrail.edges.node.doneFor",
    "ProvinceRecord": "provinceRecords",
    "AssociationRecordConnection": "associations",
    "AssociationRecordEdge": "associations.edges",
    "AssociationRecord": "associations.edges.node",
}


def query(path: str, selected: str) -> str:
    """The document that asks for the selected fields at the end of a path."""
    root, _, rest = path.partition(".")
    steps = [QUERIES[root], *(_steps(rest) if rest else [])]
    found = selected
    for step in reversed(steps):
        found = f"{{ {step} {found} }}"
    return found


def _steps(path: str) -> list[str]:
    """The fields of a path; a point in an argument parts nothing."""
    return path.split(".") if "(" not in path else [path]
