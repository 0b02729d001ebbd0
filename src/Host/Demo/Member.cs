using Boon.Platform;
using CsvHelper;

namespace Boon.Host.Demo;

/// <summary>A person of the demo's CSV file: the columns are the members of POST /v1/users.</summary>
internal sealed record Member(string Username, string Email, string Phone, string Password, string FullName, string? Birthday)
{
    private static readonly string[] Required = ["username", "email", "phone", "password", "fullName"];

    /// <summary>
    /// Reads a file with the header <c>username,email,phone,password,fullName,birthday</c> (any order; birthday may lack).
    /// </summary>
    /// <exception cref="SetupException">The file has no rows, or a column or row that cannot be read; the message says which.</exception>
    internal static List<Member> Read(string path)
    {
        try
        {
            using var csv = CsvReader.FromFile(path, new CsvReaderOptions { Separator = ',' }, FileOptions.SequentialScan);
            csv.ReadHeader();
            var missing = Required.Where(column => !csv.TryGetFieldIndex(column, out _)).ToList();
            if (missing.Count > 0)
                throw new SetupException($"{path} lacks the column(s) {string.Join(", ", missing)}; the header is "
                    + $"username,email,phone,password,fullName,birthday.");
            var hasBirthday = csv.TryGetFieldIndex("birthday", out var birthday);
            var members = new List<Member>();
            while (csv.Read())
                members.Add(new Member(
                    csv.GetString("username"), csv.GetString("email"), csv.GetString("phone"), csv.GetString("password"),
                    csv.GetString("fullName"),
                    hasBirthday && csv.GetString(birthday) is { Length: > 0 } day ? day : null));
            return members.Count > 0 ? members : throw new SetupException($"{path} has no rows.");
        }
        catch (Exception error) when (
            error is FormatException or IOException or UnauthorizedAccessException or IndexOutOfRangeException or ArgumentException)
        {
            throw new SetupException($"{path} cannot be read as CSV: {error.Message.Split('\n')[0]}", error);
        }
    }
}
