"""How the types of operators and cashiers are reached; `authorization_ways` takes them in."""

from backend.core.ids import GlobalId

_OPERATOR = f'"{GlobalId("Operator", 999_999).encode()}"'
_DEVICE = f'"{GlobalId("StoreDevice", 999_999).encode()}"'
_CASHIER = f'"{GlobalId("Cashier", 999_999).encode()}"'
_IMPORT = f'"{GlobalId("FileImport", 999_999).encode()}"'
_FILE = f'fileName: "x.csv", sizeBytes: 10, sha256: "{"0" * 64}"'
_WHY = 'reason: "x"'
_SECRET = '"secret of sixteen"'  # noqa: S105 - nobody's

QUERIES = {
    "operatorAccount": "operatorAccount",
    "operators": "operators",
    "operator": f"operator(id: {_OPERATOR})",
    "breakGlassUses": "breakGlassUses",
    "cashierAccount": "cashierAccount",
    "storeDevices": "storeDevices(storeId: <store>)",
    "storeCashiers": "storeCashiers(storeId: <store>)",
    "fileImports": "fileImports",
    "fileImport": f"fileImport(id: {_IMPORT})",
}
_SCOPE = "scope: {nation: true}"
MUTATIONS = {
    "operatorSignIn": f'operatorSignIn(input: {{userName: "nobody", password: {_SECRET}, totp: "0"}})',
    "operatorReauthenticate": f"operatorReauthenticate(input: {{password: {_SECRET}}})",
    "operatorPasswordChange": (
        f"operatorPasswordChange(input: {{currentPassword: {_SECRET}, newPassword: {_SECRET}}})"
    ),
    "operatorRecoveryCodesRenew": "operatorRecoveryCodesRenew",
    "operatorEnrolBegin": (
        f'operatorEnrolBegin(input: {{userName: "nobody", invitationCode: "x", password: {_SECRET}}})'
    ),
    "operatorEnrolConfirm": (
        'operatorEnrolConfirm(input: {userName: "nobody.else", invitationCode: "x", totp: "0"})'
    ),
    "operatorCreate": (
        f'operatorCreate(input: {{userName: "new.one", name: "x", office: "x", roles: [OBSERVER], {_SCOPE},'
        f" nationalCode: <code>, phone: <phone>, {_WHY}}})"
    ),
    "operatorRolesSet": (
        f"operatorRolesSet(input: {{operatorId: {_OPERATOR}, roles: [OBSERVER], {_SCOPE}, {_WHY}}})"
    ),
    "operatorResume": f"operatorResume(input: {{operatorId: {_OPERATOR}, {_WHY}}})",
    "operatorReset": f"operatorReset(input: {{operatorId: {_OPERATOR}, {_WHY}}})",
    "operatorSuspend": f"operatorSuspend(input: {{operatorId: {_OPERATOR}, {_WHY}}})",
    "operatorUnlock": f"operatorUnlock(input: {{operatorId: {_OPERATOR}, {_WHY}}})",
    "breakGlass": f"breakGlass(input: {{role: REGISTRAR, hours: 1, {_WHY}}})",
    "breakGlassEnd": "breakGlassEnd",
    "memberImportBegin": f'memberImportBegin(input: {{{_FILE}, month: "1405-09"}})',
    "storeImportBegin": f"storeImportBegin(input: {{{_FILE}}})",
    "fileImportStart": f"fileImportStart(input: {{importId: {_IMPORT}, dryRun: true}})",
    "fileImportCancel": f"fileImportCancel(input: {{importId: {_IMPORT}}})",
    "storeDeviceCodeCreate": 'storeDeviceCodeCreate(input: {storeId: <store>, deviceName: "x"})',
    "storeDeviceEnrol": 'storeDeviceEnrol(input: {storeCode: "x", code: "x"})',
    "storeDeviceRevoke": f"storeDeviceRevoke(input: {{storeDeviceId: {_DEVICE}, {_WHY}}})",
    "cashierCreate": 'cashierCreate(input: {storeId: <store>, userName: "new.one", name: "x"})',
    "cashierPasswordRenew": f"cashierPasswordRenew(input: {{cashierId: {_CASHIER}, {_WHY}}})",
    "cashierStateSet": f"cashierStateSet(input: {{cashierId: {_CASHIER}, state: SUSPENDED, {_WHY}}})",
    "cashierSignIn": (
        f'cashierSignIn(input: {{storeCode: "x", userName: "nobody", password: {_SECRET}, deviceId: "x"}})'
    ),
    "cashierPasswordChange": (
        f"cashierPasswordChange(input: {{currentPassword: {_SECRET}, newPassword: {_SECRET}}})"
    ),
}
TYPES = {
    "OperatorAccount": "{ operatorAccount { %s } }",
    "StaffSession": "{ operatorAccount { sessions { %s } } }",
    "OperatorConnection": "{ operators { %s } }",
    "OperatorEdge": "{ operators { edges { %s } } }",
    "Operator": "{ operators { edges { node { %s } } } }",
    "OperatorScope": "{ operators { edges { node { scope { %s } } } } }",
    "BreakGlassUseConnection": "{ breakGlassUses { %s } }",
    "BreakGlassUseEdge": "{ breakGlassUses { edges { %s } } }",
    "BreakGlassUse": "{ breakGlassUses { edges { node { %s } } } }",
    "CashierAccount": "{ cashierAccount { %s } }",
    "FileImportConnection": "{ fileImports { %s } }",
    "FileImportEdge": "{ fileImports { edges { %s } } }",
    "FileImport": f"{{ {QUERIES['fileImport']} {{ %s }} }}",
    "FileImportCounts": f"{{ {QUERIES['fileImport']} {{ counts {{ %s }} }} }}",
    "FileImportUnusual": f"{{ {QUERIES['fileImport']} {{ unusual {{ %s }} }} }}",
    "FileImportError": f"{{ {QUERIES['fileImport']} {{ error {{ %s }} }} }}",
    "FileImportProblem": f"{{ {QUERIES['fileImport']} {{ problems {{ %s }} }} }}",
    "StoreDevice": f"{{ {QUERIES['storeDevices']} {{ %s }} }}",
    "Cashier": f"{{ {QUERIES['storeCashiers']} {{ %s }} }}",
}
ANSWERS = {
    "CredentialsInvalid": MUTATIONS["operatorSignIn"],
    "ActRefused": MUTATIONS["storeDeviceEnrol"],
    "ReauthenticationNeeded": MUTATIONS["operatorCreate"],
    "OperatorReauthenticated": MUTATIONS["operatorReauthenticate"],
    "OperatorPasswordChanged": MUTATIONS["operatorPasswordChange"],
    "OperatorRecoveryCodes": MUTATIONS["operatorRecoveryCodesRenew"],
    "OperatorEnrolBegun": (
        f"operatorEnrolBegin(input: {{userName: <invited>, invitationCode: <invitation>, password: {_SECRET}}})"
    ),
    "OperatorChangeAsked": MUTATIONS["operatorCreate"],
    "OperatorChanged": MUTATIONS["operatorSuspend"],
    "BreakGlassChanged": MUTATIONS["breakGlass"],
    "FileImportBegun": MUTATIONS["memberImportBegin"],
    "FileImportChanged": MUTATIONS["fileImportCancel"],
    "StoreDeviceCode": MUTATIONS["storeDeviceCodeCreate"],
    "StoreDeviceEnrolled": 'storeDeviceEnrol(input: {storeCode: "hafez", code: <device_code>})',
    "StoreDeviceRevoked": MUTATIONS["storeDeviceRevoke"],
    "CashierPasswordMade": MUTATIONS["cashierCreate"],
    "CashierChanged": MUTATIONS["cashierStateSet"],
    "CashierPasswordChanged": MUTATIONS["cashierPasswordChange"],
}
