using System.Security.Claims;
using Boon.Platform.Input;
using Microsoft.AspNetCore.Http;

namespace Boon.Platform.Http;

/// <summary>Marks an endpoint that changes something, and so can be told why: see <see cref="ReasonHeader"/>.</summary>
internal sealed record TakesReason;

/// <summary>
/// The header <c>Boon-Reason</c>: why an operator, or whoever has a key, does something. It is kept with each event that the request
/// causes. What members write there is not kept: it would outlive the account.
/// </summary>
internal static class ReasonHeader
{
    internal const string Name = "Boon-Reason";

    /// <summary>The most code points.</summary>
    internal const int Longest = 200;

    /// <summary>The reason; null when none is given.</summary>
    /// <exception cref="RefusedException">It cannot be kept.</exception>
    internal static string? Read(HttpContext http)
    {
        if (!http.Request.Headers.TryGetValue(Name, out var values) || !MayGive(http.User))
            return null;
        var text = Json.Unfit(values.ToString()) is null ? TextKeys.Nfc(values.ToString()).Trim() : values.ToString();
        var validation = new Validation();
        if (validation.Check(values.Count == 1, Name, "appears more than once"))
            validation.Text(text, Name, 1, Longest, kind: TextKind.Name);
        return validation.Ok ? text : throw new RefusedException(Problems.Invalid(validation));
    }

    private static bool MayGive(ClaimsPrincipal caller) => caller.IsInRole(Role.Operator) || caller.IsInRole(Role.ApiKey);
}
