using System.Text;
using System.Text.RegularExpressions;

namespace Boon.Identity.Accounts;

/// <summary>What an account's details may be. Pure.</summary>
internal static partial class UserRules
{
    internal const int LongestUsername = 64;
    internal const int LongestEmail = 254;
    internal const int LongestFullName = 200;
    internal const int ShortestPassword = 12;
    internal const int LongestPassword = 128;
    /// <summary>What a phone number looks like, for the API description.</summary>
    internal const string PhonePattern = "^\\+[1-9][0-9]{6,14}$";
    internal const string UniqueUsername = "users_username_key";
    internal const string UniqueEmail = "users_email_key";
    internal const string UniquePhone = "users_phone_key";
    private static readonly DateOnly EarliestBirthday = new(1900, 1, 1);

    /// <summary>The form in which two usernames are the same; an e-mail address has <see cref="EmailKey"/>.</summary>
    internal static string Key(string username) => TextKeys.Fold(username);

    /// <summary>
    /// The form in which two e-mail addresses are the same: the part before the @ folded, the domain as the DNS asks for it.
    /// </summary>
    internal static string EmailKey(string email) => EmailKeyOrNull(email) ?? TextKeys.Fold(email);

    /// <summary>The key that accounts had up to version 0.1: NFKC, lower case. An account whose new key was taken still has it.</summary>
    internal static string FormerKey(string text) => text.Normalize(NormalizationForm.FormKC).ToLowerInvariant();

    /// <summary>The field that a violated constraint speaks of.</summary>
    internal static string? FieldOf(string? constraint) => constraint switch
    {
        UniqueUsername => "username",
        UniqueEmail => "email",
        UniquePhone => "phone",
        _ => null,
    };

    internal static void Username(Validation validation, string? username)
    {
        if (!validation.Text(username, "username", 1, LongestUsername))
            return;
        validation.Check(!username.Any(char.IsWhiteSpace), "username", "must have no spaces");
        validation.Check(!username.Contains('@', StringComparison.Ordinal), "username", "must have no @");
        validation.Check(!username.StartsWith('+'), "username", "must not begin with +");
        // NFKC may turn one character into a space or an @.
        validation.Check(
            Key(username) is { Length: > 0 } key && TextRules.Length(key) <= LongestUsername * 2 && !key.AsSpan().ContainsAny("@ ")
                && !key.StartsWith('+'),
            "username", "has characters that stand for others");
    }

    internal static void Email(Validation validation, string? email)
    {
        if (validation.Text(email, "email", 3, LongestEmail))
            validation.Check(EmailKeyOrNull(email) is { } key && TextRules.Length(key) <= LongestEmail * 2, "email",
                "must be an e-mail address");
    }

    internal static void Phone(Validation validation, string? phone)
    {
        if (validation.Require(phone, "phone"))
            validation.Check(PhoneShape.IsMatch(phone), "phone", "must be a number in E.164, such as +31201234567");
    }

    internal static void FullName(Validation validation, string? fullName) =>
        validation.Text(fullName, "fullName", 1, LongestFullName, kind: TextKind.Person);

    internal static void Birthday(Validation validation, DateOnly? birthday, DateTimeOffset now)
    {
        if (birthday is { } day)
            validation.Check(day >= EarliestBirthday && day <= DateOnly.FromDateTime(now.UtcDateTime), "birthday",
                "must be a day from 1900-01-01 to today");
    }

    internal static void Password(Validation validation, string? password, string? username, string? email)
    {
        if (!validation.Require(password, "password"))
            return;
        var length = TextRules.Length(password);
        if (!validation.Check(
            length is >= ShortestPassword and <= LongestPassword, "password",
            $"must have {ShortestPassword} to {LongestPassword} characters"))
            return;
        validation.Check(!CommonPasswords.Contains(password), "password", "is on the list of common passwords");
        validation.Check(!Same(password, username) && !Same(password, email), "password", "must not be your username or e-mail");
    }

    /// <summary>A password that is only compared: it may be any that an account could ever have had.</summary>
    internal static void GivenPassword(Validation validation, string? password, string field)
    {
        if (validation.Require(password, field))
            validation.Check(TextRules.Length(password) is > 0 and <= LongestPassword, field,
                $"must have 1 to {LongestPassword} characters");
    }

    private static bool Same(string password, string? other) => other is not null && Key(password) == Key(other);

    private static string? EmailKeyOrNull(string email)
    {
        var at = email.LastIndexOf('@');
        if (at <= 0 || TextKeys.Domain(email[(at + 1)..]) is not { } domain)
            return null;
        var mailbox = TextKeys.Fold(email[..at]);
        return Mailbox.IsMatch(mailbox) ? $"{mailbox}@{domain}" : null;
    }

    /// <summary>The part before the @ as most providers take it.</summary>
    [GeneratedRegex(@"^[^\s@.""(),:;<>\[\]\\]+(\.[^\s@.""(),:;<>\[\]\\]+)*\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Mailbox { get; }

    [GeneratedRegex(@"^\+[1-9][0-9]{6,14}\z", RegexOptions.CultureInvariant)]
    private static partial Regex PhoneShape { get; }
}
