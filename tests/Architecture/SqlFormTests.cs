using System.Text.RegularExpressions;

namespace Boon.Architecture;

/// <summary>SQL is written with the instrument of Platform/Data, and in no other form (ADR 0043).</summary>
public sealed partial class SqlFormTests
{
    /// <summary>The instrument itself.</summary>
    private static readonly string[] Instrument =
        ["Platform/Data/Sql.cs", "Platform/Data/SqlValue.cs", "Platform/Data/RoundTrip.cs", "Platform/Units/Unit.cs"];

    [Fact]
    public void Statements_are_written_with_the_instrument()
    {
        var root = Path.Combine(Support.Checkout.Root, "src");
        var files = Directory.GetFiles(root, "*.cs", SearchOption.AllDirectories)
            .Where(file => ModuleTests.IsSource(file) && !file.Contains("/Migrations/", StringComparison.Ordinal)).ToList();
        files.Count.ShouldBeGreaterThan(150);
        files.Where(file => OldForm().IsMatch(File.ReadAllText(file)))
            .Select(file => Path.GetRelativePath(root, file).Replace('\\', '/')).Except(Instrument)
            .ShouldBeEmpty();
    }

    [Theory]
    [InlineData("new() { Value = id }")]
    [InlineData("command.Parameters[6].NpgsqlDbType = NpgsqlDbType.Uuid;")]
    [InlineData("new NpgsqlCommand(sql, connection)")]
    [InlineData("await command.ExecuteReaderAsync(ct)")]
    [InlineData("(object?)id ?? DBNull.Value")]
    public void The_old_forms_are_found(string code) => OldForm().IsMatch(code).ShouldBeTrue();

    [GeneratedRegex(
        @"new\(\) \{ Value = |\.NpgsqlDbType = |new NpgsqlCommand\b|new NpgsqlBatch\b|NpgsqlParameter\b|\bDBNull\.|"
        + @"\.Execute(Reader|Scalar|NonQuery)Async\(|\.NextResultAsync\(", RegexOptions.ExplicitCapture)]
    private static partial Regex OldForm();
}
