namespace Boon.Scenarios;

/// <summary>
/// Who may call what. A row for each operation of the OpenAPI document, and one more with <c>?userId</c> (of the member) where it takes
/// that; a column for each caller. <c>+</c> lets in (2xx, or 409 for what is done already); 1: 401, 3: 403, 4: 404.
/// </summary>
internal static class AccessMatrix
{
    internal static readonly string[] Callers =
        ["nobody", "member", "another member", "operator", "API key", "expired", "signed out", "erased"];

    internal static IReadOnlyDictionary<string, string> Rows { get; } = Parse("""
        registerUser                + + + + + + + +
        getOwnUser                  1 + + + 1 1 1 1
        changeUser                  1 + + + 1 1 1 1
        eraseUser                   1 + + + 1 1 1 1
        getUser                     1 + 4 + 1 1 1 1
        setRoles                    1 3 3 + 1 1 1 1
        signIn                      + + + + + + + +
        refreshSession              1 1 1 1 1 1 1 1
        signOut                     1 + + + 1 1 1 1
        getPublicKeys               + + + + + + + +

        createCampaign              1 3 3 + 1 1 1 1
        listCampaigns               1 3 3 + 1 1 1 1
        getCampaign                 1 3 3 + 1 1 1 1
        changeCampaign              1 3 3 + 1 1 1 1
        listDecisions               1 + + + 1 1 1 1
        listDecisions?userId        1 + 4 + 1 1 1 1
        listVouchers                1 + + + 1 1 1 1
        listVouchers?userId         1 + 4 + 1 1 1 1

        putCouponType               1 3 3 + 1 1 1 1
        listCouponTypes             1 3 3 + 1 1 1 1
        uploadCoupons               1 3 3 + 1 1 1 1
        purgeCoupons                1 3 3 + 1 1 1 1
        claimCoupon                 1 + + + 1 1 1 1
        getClaim                    1 + 4 4 1 1 1 1
        listCoupons                 1 + + + 1 1 1 1
        previewRedemption           1 + + + 1 1 1 1
        redeemCode                  1 + 4 4 1 1 1 1
        releaseRedemption           1 3 3 + 1 1 1 1

        createReward                1 3 3 + 1 1 1 1
        listRewards                 + + + + + + + +
        getReward                   + + + + + + + +
        createQuest                 1 3 3 + 1 1 1 1
        listQuests                  + + + + + + + +
        getQuest                    + + + + + + + +
        changeQuest                 1 3 3 + 1 1 1 1
        getProgress                 1 + + + 1 1 1 1
        getProgress?userId          1 + 4 + 1 1 1 1
        getSteps                    1 3 3 + 1 1 1 1
        listReceived                1 + + + 1 1 1 1
        listReceived?userId         1 + 4 + 1 1 1 1
        claimReward                 1 + + + 1 1 1 1
        listCompletions             1 + + + 1 1 1 1
        listCompletions?userId      1 + 4 + 1 1 1 1
        getWallet                   1 + + + 1 1 1 1
        getWallet?userId            1 + 4 + 1 1 1 1
        listEntries                 1 + + + 1 1 1 1
        listEntries?userId          1 + 4 + 1 1 1 1

        placeOrder                  1 + + + 1 1 1 1
        listOrders                  1 + + + 1 1 1 1
        listOrders?userId           1 + 4 + 1 1 1 1
        getOrder                    1 + 4 + 1 1 1 1
        cancelOrder                 1 + 4 + 1 1 1 1

        reportEvents                1 3 3 + + 1 1 1
        createApiKey                1 3 3 + 1 1 1 1
        listApiKeys                 1 3 3 + 1 1 1 1
        revokeApiKey                1 3 3 + 1 1 1 1
        listEventTypes              1 3 3 + 1 1 1 1
        listEvents                  1 3 3 + 1 1 1 1
        listEvents?userId           1 3 3 + 1 1 1 1
        listAudit                   1 3 3 + 1 1 1 1
        listAudit?userId            1 3 3 + 1 1 1 1
        downloadLog                 1 3 3 + 1 1 1 1
        listDeadLetters             1 3 3 + 1 1 1 1
        redriveDeadLetter           1 3 3 4 1 1 1 1
        getSystem                   1 3 3 + 1 1 1 1
        getLiveness                 + + + + + + + +
        getReadiness                + + + + + + + +
        getMetrics                  + + + + + + + +
        """);

    /// <summary>
    /// What processes of one installation ask each other: no part of the API, so all of these callers get 401. The services' secret opens
    /// them.
    /// </summary>
    internal static IReadOnlyList<(string Method, string Path)> ForServices { get; } =
        [("POST", "/internal/logs/{module}/settle"), ("GET", "/internal/logs/{module}")];

    /// <summary>Rows of a host that has more modules: those of Boon and its own.</summary>
    internal static IReadOnlyDictionary<string, string> With(string rows) =>
        Rows.Concat(Parse(rows)).ToDictionary(StringComparer.Ordinal);

    private static Dictionary<string, string> Parse(string rows) => rows.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .ToDictionary(line => line[..28].Trim(), line => line[28..].Replace(" ", "", StringComparison.Ordinal).Trim(),
            StringComparer.Ordinal);
}
