using System.Net;
using Microsoft.Extensions.Configuration;
using Serilog.Events;
using static Boon.Platform.SettingForms;

namespace Boon.Platform;

/// <summary>
/// Every setting that Boon has: it is read, checked at the start and described (docs/guide/settings.md, which a test compares) from this
/// list. A name under <c>Boon:</c> that is not here stops the start.
/// </summary>
public static class Settings
{
    private const string Unset = "none";

    /// <summary>More lanes than this serve nobody: a lane is one transaction at a time.</summary>
    private const int MostLanes = 64;

    private const int ShortestSecret = 32;

    private static readonly List<Setting> All = [];

    /// <summary>The database of all modules.</summary>
    public static Setting<string?> Database { get; } = Add(Connection("ConnectionStrings:Boon",
        "the PostgreSQL of all modules, as Npgsql writes it: `Host=...;Username=...;Password=...;Database=boon`. Connect directly, not "
            + "through a pooler of transactions: Boon uses LISTEN, advisory locks and session settings",
        "none: a private PostgreSQL"));

    /// <summary>The database of one module.</summary>
    public static Setting<string?> ModuleDatabase { get; } = Add(Connection("ConnectionStrings:{Module}",
        "a database for one module, such as `ConnectionStrings:Orders`; wins over `ConnectionStrings:Boon` for it", Unset));

    /// <summary>The data folder.</summary>
    public static Setting<string> Data { get; } =
        Add(new Setting<string>(
            "Boon:Data", "a folder", "folder of the private PostgreSQL, keys and logs; also `--data`", "`.boon`", Text, ".boon"));

    /// <summary>Where PostgreSQL's programs are.</summary>
    public static Setting<string?> PostgresBinaries { get; } = Add(new Setting<string?>("Boon:Postgres:Binaries", "a folder",
        "folder of `postgres`, `initdb` and `pg_ctl` for the private PostgreSQL", "looked for", Text, null));

    /// <summary>Whether a start migrates.</summary>
    public static Setting<bool> Migrate { get; } =
        Add(Flag("Boon:Migrate", "`true`: apply missing migrations at start; `false`: refuse to start when some are missing", true));

    /// <summary>Where to listen.</summary>
    public static Setting<string?> Urls { get; } = Add(Addresses("Boon:Urls",
        "addresses to listen at, separated by `;`; also `--urls`. Without it, `ASPNETCORE_URLS` counts", "`http://127.0.0.1:5080`"));

    /// <summary>Where metrics and health are, if not with all else.</summary>
    public static Setting<string?> ManagementUrls { get; } = Add(Addresses("Boon:Management:Urls",
        "addresses for `/metrics` and `/health` only, separated by `;`, on ports of their own. The other addresses then have neither",
        "none: they are at the other addresses"));

    /// <summary>Where <c>boon coupons upload</c> sends.</summary>
    public static Setting<string> Url { get; } = Add(new Setting<string>("Boon:Url", "an address such as http://127.0.0.1:5080",
        "the address where Boon serves, for `boon coupons upload`; an environment variable only; also `--url`", "`http://127.0.0.1:5080`",
        Absolute, "http://127.0.0.1:5080"));

    /// <summary>From SIGTERM to the end of listening.</summary>
    public static Setting<TimeSpan> DrainTime { get; } = Add(Duration("Boon:DrainTime",
        "time from SIGTERM until the process stops listening; `/health/ready` answers 503 meanwhile", TimeSpan.Zero,
            TimeSpan.FromMinutes(5), TimeSpan.FromSeconds(5)));

    /// <summary>Proxies that are believed.</summary>
    public static Setting<IPNetwork> TrustedProxies { get; } =
        Add(new Setting<IPNetwork>("Boon:Web:TrustedProxies:{n}", "an address such as 10.0.0.5, or a network such as 10.0.0.0/8",
        "a list (`Boon__Web__TrustedProxies__0=10.0.0.5`) of the addresses of proxies, or of their networks in CIDR form; their "
            + "`X-Forwarded-For` and `X-Forwarded-Proto` are trusted. With several proxies in a row name all: the caller's address is "
            + "the first, from the nearest on, that is not in the list",
        "none: the headers are ignored", Network, default));

    /// <summary>Origins whose web pages may call.</summary>
    public static Setting<string> AllowedOrigins { get; } =
        Add(new Setting<string>(
        "Boon:Web:AllowedOrigins:{n}", "an origin, which is scheme, host and port only, such as https://shop.example; or * for all",
        "a list (`Boon__Web__AllowedOrigins__0=https://shop.example`) of origins whose web pages may call (CORS): scheme, host and port, "
            + "or `*` for all. Callers are known by their token, so cookies are never allowed",
        Unset, Origin, ""));

    /// <summary>Where the gateway finds the modules.</summary>
    public static Setting<IReadOnlyList<Uri>> GatewayModules { get; } = Add(Backends("Boon:Gateway:Modules",
        "where a gateway, and a module that asks another one, finds all modules: addresses of the processes with commas, or one "
            + "with a name whose every address in the DNS is a process",
        "none: the gateway does not start"));

    /// <summary>Where the gateway finds one module.</summary>
    public static Setting<IReadOnlyList<Uri>> GatewayModule { get; } = Add(Backends("Boon:Gateway:Modules:{module}",
        "the same for one module, such as `Boon:Gateway:Modules:Orders`; wins over `Boon:Gateway:Modules` for it", Unset));

    /// <summary>The port of the backends' health.</summary>
    public static Setting<int> GatewayHealthPort { get; } = Add(Number("Boon:Gateway:HealthPort",
        "the port on which the processes answer `/health/ready`, when that is not the one of all else (`Boon:Management:Urls`)", 0, 65_535,
        0, "the same"));

    /// <summary>Requests of one client.</summary>
    public static Setting<int> GatewayRequestsPerSecond { get; } = Add(Number("Boon:Gateway:RequestsPerSecond",
        "requests a second that a gateway lets one client pass, then 429: a user, an API key, or an address (IPv6: one /64) that shows "
            + "neither. A pause saves up "
        + "requests for one second", 1, 1_000_000, 300));

    /// <summary>What processes of one installation show each other.</summary>
    public static Setting<string?> ServicesSecret { get; } = Add(new Setting<string?>("Boon:Services:Secret",
        "32 or more printable ASCII characters without spaces, such as openssl rand -base64 32 gives",
        "what the processes of one installation show each other at `/internal`, 32 or more printable ASCII characters without spaces, "
            + "such as `openssl rand -base64 32` gives; the same in all processes. With it anybody can read all logs",
        "none: nobody is let in at `/internal`",
        (text, out value) => (value = text).Length >= ShortestSecret && !text.AsSpan().ContainsAnyExceptInRange('!', '~'),
        null) { Secret = true });

    /// <summary>Where the broker is, over which logs travel between databases.</summary>
    public static Setting<BrokerAddress?> BrokerUrl { get; } = Add(new Setting<BrokerAddress?>("Boon:Broker:Url", BrokerAddress.CanBe,
        "the broker over which modules with databases of their own read each other's logs, and as whom: `amqp://user@host:5672` (RabbitMQ) "
            + "or `kafka://host:9092,host:9092`; `amqps` and `kafkas` use TLS. RabbitMQ's virtual host can follow: `/name`. "
            + "Kafka signs in by SCRAM-SHA-512 where there is a user",
        "none: such modules read by a connection to the other database", BrokerAddress.TryRead, null) { Secret = true });

    /// <summary>The password of the broker's user.</summary>
    public static Setting<string?> BrokerPassword { get; } = Add(new Setting<string?>("Boon:Broker:Password", "a text",
        "the password of the user in `Boon:Broker:Url`", Unset, Text, null) { Secret = true });

    /// <summary>How long streams keep messages.</summary>
    public static Setting<TimeSpan> BrokerRetention { get; } = Add(Duration("Boon:Broker:Retention",
        "how long the broker keeps a message at least; it counts for streams that are made from then on", TimeSpan.FromHours(1),
        TimeSpan.FromDays(3650), TimeSpan.FromDays(7)));

    /// <summary>Who may write a module's stream.</summary>
    public static Setting<string> BrokerPublisher { get; } = Add(new Setting<string>("Boon:Broker:Publishers:{module}", "a text",
        "the user of RabbitMQ who publishes a module's log, such as `Boon:Broker:Publishers:Orders`; readers refuse what others wrote",
        "`boon-` and the module, such as `boon-orders`", Text, ""));

    /// <summary>The <c>iss</c> claim.</summary>
    public static Setting<string> TokenIssuer { get; } =
        Add(new Setting<string>("Boon:Tokens:Issuer", "a text", "the `iss` claim, compared exactly", "`boon`", Text, "boon"));

    /// <summary>The <c>aud</c> claim.</summary>
    public static Setting<string> TokenAudience { get; } =
        Add(new Setting<string>("Boon:Tokens:Audience", "a text", "the `aud` claim, compared exactly", "`boon`", Text, "boon"));

    /// <summary>How long an access token lives. Keys verify for a day after they stop signing: no token lives that long.</summary>
    public static Setting<TimeSpan> TokenLifetime { get; } = Add(Duration("Boon:Tokens:Lifetime",
        "time from issue to expiry of an access token", TimeSpan.FromMinutes(1), TimeSpan.FromHours(12), TimeSpan.FromMinutes(30)));

    /// <summary>How old what a process knows of ended sessions and keys can be.</summary>
    public static Setting<TimeSpan> MaxStaleness { get; } = Add(Duration("Boon:Tokens:MaxStaleness",
        "how long ago a process may have known last that it knew all ended sessions and all keys; after that operators get 503 "
            + "`access-stale`, and members are served", TimeSpan.FromSeconds(1), TimeSpan.FromHours(1), TimeSpan.FromMinutes(1)));

    /// <summary>How long a key signs.</summary>
    public static Setting<TimeSpan> KeyLifetime { get; } = Add(Duration("Boon:Tokens:KeyLifetime",
        "how long a signing key signs; it verifies for 24 hours more. The next key is announced a day before it signs, but at most a "
            + "quarter of this time before", TimeSpan.FromSeconds(1), TimeSpan.FromDays(3650), TimeSpan.FromDays(30)));

    /// <summary>How long a used refresh token still works.</summary>
    public static Setting<TimeSpan> RefreshOverlap { get; } = Add(Duration("Boon:Tokens:RefreshOverlap",
        "how long a used refresh token still gives a pair of tokens of the same session, so that two tabs can refresh at once; `00:00:00`: "
            + "not at all", TimeSpan.Zero, TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(10)));

    /// <summary>The first operator's password.</summary>
    public static Setting<string?> OperatorPassword { get; } = Add(new Setting<string?>("Boon:Operator:Password", "12 to 128 characters",
        "password of the first operator, 12 to 128 characters; used at the first start, and by `boon coupons upload`",
        "a random one, printed once",
        (text, out value) => (value = text).EnumerateRunes().Count() is >= 12 and <= 128, null) { Secret = true });

    /// <summary>Failed sign-ins of an account from an address.</summary>
    public static Setting<int> FailuresPerAccountAndAddress { get; } = Add(Number("Boon:SignIn:FailuresPerAccountAndAddress",
        "how many sign-ins of one account from one address (IPv6: one /64) can fail in a window; then that address gets 429", 1, 1_000_000,
        10));

    /// <summary>Failed sign-ins of an account.</summary>
    public static Setting<int> FailuresPerAccount { get; } = Add(Number("Boon:SignIn:FailuresPerAccount",
        "how many sign-ins of one account can fail in a window, from all addresses together; then everybody gets 429", 1, 1_000_000, 100));

    /// <summary>Failed sign-ins from an address.</summary>
    public static Setting<int> FailuresPerAddress { get; } = Add(Number("Boon:SignIn:FailuresPerAddress",
        "how many sign-ins from one address can fail in a window; then it gets 429", 1, 1_000_000, 500));

    /// <summary>The window in which they count.</summary>
    public static Setting<TimeSpan> SignInWindow { get; } = Add(Duration("Boon:SignIn:Window",
        "length of the window of failed sign-ins; it begins with the first failure", TimeSpan.FromSeconds(1), TimeSpan.FromDays(30),
        TimeSpan.FromMinutes(15)));

    /// <summary>Sign-ups from an address.</summary>
    public static Setting<int> SignUpsPerAddress { get; } =
        Add(Number("Boon:SignUp:PerAddress", "how many sign-ups one address can make in a window; then it gets 429", 1, 1_000_000_000,
        600));

    /// <summary>The window in which they count.</summary>
    public static Setting<TimeSpan> SignUpWindow { get; } = Add(Duration("Boon:SignUp:Window",
        "length of the window of sign-ups", TimeSpan.FromSeconds(1), TimeSpan.FromDays(30), TimeSpan.FromMinutes(1)));

    /// <summary>Answers that something is taken.</summary>
    public static Setting<int> TakenPerAddress { get; } = Add(Number("Boon:SignUp:TakenPerAddress",
        "how often in a `Boon:SignIn:Window` an address is told that a username, e-mail address or phone number is taken; then its "
            + "sign-ups get 429", 1, 1_000_000, 100));

    /// <summary>Whether people who erased an account are known again.</summary>
    public static Setting<bool> RememberErased { get; } = Add(new Setting<bool>("Boon:Users:RememberErased", "true or false",
        "`true`: recognise a person who erased an account and registers again with the same e-mail address or phone number, by an HMAC "
            + "that only the key ring in `Boon:Data` can "
        + "repeat. Then `returning` of `identity.user-registered` is true and `first` of `identity.user-signed-in` is false, so a `when` "
        + "with either excludes this person. All processes need "
        + "one key ring for that. Tell your users about it. `delete from identity.erased_identifiers` forgets",
        "`false`: erased is erased", bool.TryParse, false));

    /// <summary>Lanes of a subscription.</summary>
    public static Setting<int> Lanes { get; } = Add(Number("Boon:Subscriptions:{name}:Lanes",
        "number of lanes by user. `promotions.issue-vouchers`, `promotions.grant-rewards` and `orders.learn-users` always have one, and "
            + "Boon refuses another number",
        1, MostLanes, 1, "`1`; `quests.track-progress` `2`"));

    /// <summary>Events in a subscription's transaction.</summary>
    public static Setting<int> BatchSize { get; } =
        Add(Number("Boon:Subscriptions:{name}:BatchSize", "the largest number of events in one transaction", 1, 10_000, 500,
        "`500`; `quests.track-progress` `2000`"));

    /// <summary>How long redriven letters are kept.</summary>
    public static Setting<TimeSpan> DeadLetterRetention { get; } = Add(Duration("Boon:DeadLetters:Retention",
        "how long a dead letter is kept after its event was redriven; open letters stay", TimeSpan.Zero, TimeSpan.FromDays(3650),
        TimeSpan.FromDays(30)));

    /// <summary>From one purge to the next.</summary>
    public static Setting<TimeSpan> PurgeInterval { get; } = Add(Duration("Boon:Coupons:PurgeInterval",
        "how often expired coupons that nobody claimed are purged", TimeSpan.FromSeconds(1), TimeSpan.FromDays(24), TimeSpan.FromHours(1)));

    /// <summary>The least level on the console.</summary>
    public static Setting<LogEventLevel> LogLevel { get; } =
        Add(new Setting<LogEventLevel>("Boon:Log:Level", "Verbose, Debug, Information, Warning, Error or Fatal",
        "the lowest level that the console shows: `Verbose`, `Debug`, `Information`, `Warning`, `Error`, `Fatal`. Files begin at "
            + "`Information`, or at this level if it is lower", "`Information`",
        (text, out value) => Enum.TryParse(text, ignoreCase: true, out value) && Enum.IsDefined(value) && !char.IsAsciiDigit(text[0]),
        LogEventLevel.Information));

    /// <summary>Whether requests are logged.</summary>
    public static Setting<bool> LogRequests { get; } = Add(Flag("Boon:Log:Requests",
        "`true`: one line for each request, at level Information (those of `/health` and `/metrics` at Debug), written 50 ms later at "
            + "most; `false`: none", true));

    /// <summary>How many log files are kept.</summary>
    public static Setting<int> LogFilesKept { get; } = Add(Number("Boon:Log:FilesKept",
        "how many log files of each kind are kept; a new one begins each day, and after 64 MB", 1, 10_000, 14));

    /// <summary>All of them, in the order of the guide.</summary>
    public static IReadOnlyList<Setting> List => All;

    /// <summary>The proxies that are believed.</summary>
    public static IEnumerable<IPNetwork> ProxiesOf(IConfiguration configuration) =>
        configuration.GetSection("Boon:Web:TrustedProxies").GetChildren()
            .Select(proxy => TrustedProxies.Of(configuration, proxy.Path, default));

    /// <summary>The origins whose web pages may call.</summary>
    public static IEnumerable<string> OriginsOf(IConfiguration configuration) =>
        configuration.GetSection("Boon:Web:AllowedOrigins").GetChildren()
            .Select(origin => AllowedOrigins.Of(configuration, origin.Path, "")).Where(origin => origin.Length > 0);

    private static Setting<T> Add<T>(Setting<T> setting)
    {
        All.Add(setting);
        return setting;
    }
}
