namespace Boon.Identity.Accounts;

/// <summary>Finds the account that somebody means.</summary>
internal static class UserLookup
{
    /// <summary>
    /// An identifier with an @ is an e-mail address, one that begins with + a phone number, any other a username: judged as it is compared,
    /// so that another way to write it finds the same account.
    /// </summary>
    internal static async Task<User?> FindAsync(IdentityDb reads, string identifier, CancellationToken ct)
    {
        var active = reads.Users.Where(user => user.Status == User.Active);
        var folded = UserRules.Key(identifier);
        var email = folded.Contains('@', StringComparison.Ordinal);
        if (!email && folded.StartsWith('+'))
            return await active.SingleOrDefaultAsync(user => user.Phone == folded, ct);
        // An account whose new key was taken by another has its former one, and is found by its own spelling as before.
        string[] keys = [UserRules.FormerKey(identifier), email ? UserRules.EmailKey(folded) : folded];
        var found = await (email
            ? active.Where(user => keys.Contains(user.EmailKey)) : active.Where(user => keys.Contains(user.UsernameKey))).ToListAsync(ct);
        return found.Find(user => (email ? user.EmailKey : user.UsernameKey) == keys[0]) ?? found.FirstOrDefault();
    }
}
