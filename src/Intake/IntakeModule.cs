using Boon.Intake.Keys;
using Boon.Intake.Reports;
using Microsoft.AspNetCore.Authentication;

namespace Boon.Intake;

/// <summary>
/// Events that other systems report, so that campaigns and quests work with a sign-in or a shop that is not Boon's. Logs <c>external.*</c>;
/// of other modules it learns only whose account was erased.
/// </summary>
public sealed class IntakeModule : IModule
{
    /// <summary>The module's name and schema.</summary>
    public const string ModuleName = "intake";

    /// <summary>The subscription that erases what was reported about a user.</summary>
    public const string EraseReportsSubscription = "intake.erase-reports";

    /// <summary>The policy of reporting: an operator's token or an API key.</summary>
    internal const string ReportPolicy = "intake";

    /// <inheritdoc/>
    public string Name => ModuleName;

    /// <inheritdoc/>
    public IReadOnlyList<Defence> Defences { get; } = Defence.Of(typeof(IntakeDefences));

    /// <inheritdoc/>
    public IReadOnlyList<Subscription> Subscriptions { get; } =
    [
        new Subscription<IntakeDb>(
            EraseReportsSubscription, [LogPlaces.Everywhere], EraseReports.HandleAsync, SingleLane: true, [UserErased.Name]),
    ];

    /// <inheritdoc/>
    public void Add(ModuleBuilder module)
    {
        module.Database<IntakeDb>();
        module.Services.AddAuthentication().AddScheme<AuthenticationSchemeOptions, ApiKeyAuthentication>(
            ApiKeyAuthentication.SchemeName, null);
        module.Services.AddAuthorizationBuilder().AddPolicy(ReportPolicy, policy => policy
            .AddAuthenticationSchemes(Caller.Scheme, ApiKeyAuthentication.SchemeName).RequireRole(Caller.Operator, Role.ApiKey));
    }

    /// <inheritdoc/>
    public void Map(IEndpointRouteBuilder routes)
    {
        ReportEvents.Map(routes);
        CreateApiKey.Map(routes);
        ListApiKeys.Map(routes);
        RevokeApiKey.Map(routes);
    }
}
