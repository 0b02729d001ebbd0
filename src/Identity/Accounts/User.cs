namespace Boon.Identity.Accounts;

/// <summary>An account. Uniqueness of username, e-mail and phone is the database's, by the normalised keys.</summary>
internal sealed class User
{
    internal const string Active = "active";
    internal const string Erased = "erased";

    public Guid Id { get; private set; }
    public string? Username { get; private set; }
    public string? UsernameKey { get; private set; }
    public string? Email { get; private set; }
    public string? EmailKey { get; private set; }
    public string? Phone { get; private set; }
    public string? FullName { get; private set; }
    public DateOnly? Birthday { get; private set; }
    public string? PasswordHash { get; private set; }
    public string Status { get; private set; } = Active;
    public string[] Roles { get; private set; } = [Role.Member];
    public long SignIns { get; private set; }
    public DateTimeOffset CreatedAt { get; private set; }

    internal static User Register(
        Guid id, string username, string? email, string? phone, string fullName, DateOnly? birthday, string passwordHash,
        params string[] roles)
    {
        var user = new User { Id = id, FullName = fullName, Birthday = birthday, PasswordHash = passwordHash, Phone = phone,
            Roles = [Role.Member, .. roles] };
        user.Rename(username);
        if (email is not null)
            user.ChangeEmail(email);
        return user;
    }

    internal void Rename(string username) => (Username, UsernameKey) = (username, UserRules.Key(username));

    internal void ChangeEmail(string email) => (Email, EmailKey) = (email, UserRules.EmailKey(email));

    internal void ChangePhone(string phone) => Phone = phone;

    internal void ChangeFullName(string fullName) => FullName = fullName;

    internal void ChangeBirthday(DateOnly? birthday) => Birthday = birthday;

    internal void SetRoles(string[] roles) => Roles = roles;

    internal void ChangePassword(string hash) => PasswordHash = hash;
}

/// <summary>A user, as the API shows it.</summary>
/// <param name="Id">The user's id.</param>
/// <param name="Username">The name to sign in with.</param>
/// <param name="Email">The e-mail address.</param>
/// <param name="Phone">The phone number in E.164.</param>
/// <param name="FullName">The person's name, as the person writes it.</param>
/// <param name="Birthday">yyyy-MM-dd, if given.</param>
/// <param name="Status"><c>active</c> or <c>erased</c>.</param>
/// <param name="Roles"><c>member</c>, <c>operator</c>.</param>
/// <param name="CreatedAt">When the account was opened.</param>
/// <example>
/// {"id": "0191f3a0-7c1e-7a52-9a3e-5b0c7d1e2f3a", "username": "ada", "email": "ada@example.com", "phone": "+31201234567", "fullName":
/// "Ada Lovelace", "birthday": "1990-12-10", "status": "active", "roles": ["member"], "createdAt": "2026-05-01T09:30:00Z"}
/// </example>
public sealed record UserView(
    Guid Id, string? Username, string? Email, string? Phone, string? FullName, DateOnly? Birthday,
    [AllowedValues(User.Active, User.Erased)] string Status,
    [AllowedValues(Role.Member, Role.Operator)] string[] Roles, DateTimeOffset CreatedAt)
{
    internal static UserView Of(User user) =>
        new(user.Id, user.Username, user.Email, user.Phone, user.FullName, user.Birthday, user.Status, user.Roles, user.CreatedAt);
}
