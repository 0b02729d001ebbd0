using Boon.Host;
using Boon.Platform;
using Microsoft.Extensions.Configuration;

namespace Boon.Unit.Operations;

public sealed class SettingsTests
{
    private static readonly string[] Modules = [.. BoonHost.AllModules.Select(module => module.Name)];

    [Theory]
    [InlineData("ConnectionString:Boon", "did you mean ConnectionStrings:Boon (as an environment variable ConnectionStrings__Boon)?")]
    [InlineData("ConnectionStrings:Bon", "ConnectionStrings__Boon")]
    [InlineData("ConnectionStrings:Order", "ConnectionStrings__Orders")]
    [InlineData("Boon:Operater:Password", "Boon__Operator__Password")]
    [InlineData("Log:Level", "Boon__Log__Level")]
    [InlineData("Boon_Data", "Boon__Data")]
    [InlineData("Boon:Web:TrustedProxies", "Boon__Web__TrustedProxies__0")]
    [InlineData("Boon:Colour", "There is no setting Boon:Colour; docs/guide/settings.md")]
    public void A_name_that_nobody_reads_stops_the_start_with_the_one_that_was_meant(string name, string says) =>
        Should.Throw<SetupException>(() => Check(name, "x")).Message.ShouldContain(says);

    [Theory]
    [InlineData("PATH", "/bin")]
    [InlineData("LOG_LEVEL", "debug")]
    [InlineData("BOON_SERVICE_HOST", "10.0.0.1")]
    [InlineData("ConnectionStrings:Redis", "redis:6379")]
    [InlineData("Logging:LogLevel:Default", "Warning")]
    [InlineData("Boon:Data", "")]
    [InlineData("boon:log:level", "warning")]
    [InlineData("Boon:Web:TrustedProxies:3", "fd00::5")]
    [InlineData("Boon:Subscriptions:promotions.issue-vouchers:BatchSize", "200")]
    [InlineData("ConnectionStrings:Orders", "Host=db;Password=a;Database=orders")]
    public void Names_of_others_and_good_values_pass(string name, string value) => Check(name, value);

    [Theory]
    [InlineData("Boon:SignIn:FailuresPerAccount", "abc", "Boon:SignIn:FailuresPerAccount is 'abc'; it can be a number from 1 to 1000000.")]
    [InlineData("Boon:DrainTime", "5", "a duration from 00:00:00 to 00:05:00")]
    [InlineData("Boon:Migrate", "yes", "true or false")]
    [InlineData("Boon:Log:Level", "3", "Verbose, Debug")]
    [InlineData("Boon:Urls", "localhost:80", "addresses such as http://127.0.0.1:5080")]
    [InlineData("Boon:Web:TrustedProxies:0", "proxy", "a network such as 10.0.0.0/8")]
    [InlineData("Boon:Operator:Password", "s3cret", "Boon:Operator:Password cannot be what it is set to; it can be 12 to 128 characters.")]
    [InlineData("ConnectionStrings:Boon", "Host=db;Hots=x;Password=s3cret",
        "ConnectionStrings:Boon cannot be what it is set to; it can be written as Npgsql")]
    [InlineData("ConnectionStrings:Boon", "postgres://ann:s3cret@db:5433/shop",
        "write it as Host=db;Port=5433;Username=ann;Password=...;Database=shop")]
    public void A_value_that_cannot_be_is_named_with_what_it_can_be_and_no_secret(string name, string value, string says)
    {
        var message = Should.Throw<SetupException>(() => Check(name, value)).Message;
        message.ShouldContain(says);
        message.ShouldNotContain("s3cret");
        message.ShouldNotContain("\n");
    }

    [Fact]
    public void A_secret_can_be_in_a_file()
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, "a pass phrase from a file\n");
        var configuration = Of("Boon:Operator:Password_FILE", file);
        SettingsCheck.ReadFiles(configuration, Modules);
        SettingsCheck.Run(configuration, Modules);
        Settings.OperatorPassword.Of(configuration).ShouldBe("a pass phrase from a file");
        configuration["Boon:Data_FILE"] = file;
        Should.Throw<SetupException>(() => SettingsCheck.Run(configuration, Modules), "only secrets are read from files");
        File.Delete(file);
    }

    [Theory]
    [InlineData("Boon:Operator:Password_FILE", "")]
    [InlineData("Boon:Operator:Password_FILE", "short\n")]
    [InlineData("Boon:Operator:Password_FILE", null)]
    [InlineData("ConnectionStrings:Boon_FILE", "\n")]
    [InlineData("ConnectionStrings:Boon_FILE", "s3cret")]
    [InlineData("ConnectionStrings:Orders_FILE", null)]
    public void A_file_without_a_secret_that_can_be_stops_the_start_with_one_line(string name, string? text)
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, text);
        if (text is null)
            File.Delete(file);
        var configuration = Of(name, file);
        var message = Should.Throw<SetupException>(() =>
        {
            SettingsCheck.ReadFiles(configuration, Modules);
            SettingsCheck.Run(configuration, Modules);
        }).Message;
        message.ShouldContain(name[..^"_FILE".Length]);
        message.ShouldNotContain("s3cret");
        message.ShouldNotContain("\n");
        File.Delete(file);
    }

    [Fact]
    public void The_guide_describes_each_setting_and_no_other()
    {
        var guide = File.ReadAllLines(Path.Combine(Support.Checkout.Root, "docs/guide/settings.md"))
            .Where(line => line.StartsWith("| `Boon:", StringComparison.Ordinal)
                || line.StartsWith("| `ConnectionStrings:", StringComparison.Ordinal)).ToList();
        guide.ShouldBe(Settings.List.Select(setting => $"| `{setting.Key}` | {setting.Meaning} | {setting.Default} |"), ignoreOrder: true);
    }

    private static void Check(string name, string value) => SettingsCheck.Run(Of(name, value), Modules);

    private static IConfigurationRoot Of(string name, string value) =>
        new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { [name] = value }).Build();
}
