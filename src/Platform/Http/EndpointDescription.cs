using Microsoft.AspNetCore.Builder;

namespace Boon.Platform.Http;

/// <summary>A status that an endpoint answers with a problem document, and the codes that it can have.</summary>
/// <param name="Status">The status.</param>
/// <param name="Codes">The codes.</param>
/// <param name="Document">The type of the problem document, where it is not <see cref="Problem"/>.</param>
internal sealed record Refusal(int Status, IReadOnlyList<string> Codes, Type? Document = null);

/// <summary>Marks an endpoint that takes <c>Prefer: wait</c>, and says what it waits for.</summary>
internal sealed record PreferWait(string Meaning);

/// <summary>Marks an endpoint that ignores what its query holds.</summary>
internal sealed record AnyQuery;

/// <summary>What an endpoint says of itself that its types do not.</summary>
public static class EndpointDescription
{
    /// <summary>
    /// Names refusals of this endpoint. Those that follow from what it is (who may call, its body, its key, its id) are known.
    /// </summary>
    public static RouteHandlerBuilder Refuses(this RouteHandlerBuilder route, int status, params string[] codes) =>
        route.WithMetadata(new Refusal(status, codes));

    /// <summary>The same, where the problem document has a form of its own.</summary>
    public static RouteHandlerBuilder Refuses<TProblem>(this RouteHandlerBuilder route, int status, params string[] codes) =>
        route.WithMetadata(new Refusal(status, codes, typeof(TProblem)));

    /// <summary>
    /// Ignores parameters that the endpoint does not know: balancers, scrapers and browsers add some to addresses that they ask for by
    /// themselves.
    /// </summary>
    public static TBuilder TakesAnyQuery<TBuilder>(this TBuilder route)
        where TBuilder : IEndpointConventionBuilder => route.WithMetadata(new AnyQuery());

    /// <summary>Says that the endpoint takes <c>Prefer: wait</c>.</summary>
    /// <param name="route">The endpoint.</param>
    /// <param name="meaning">What it waits for, as the rest of a sentence.</param>
    public static RouteHandlerBuilder DescribesWait(this RouteHandlerBuilder route, string meaning) =>
        route.WithMetadata(new PreferWait(meaning));
}
