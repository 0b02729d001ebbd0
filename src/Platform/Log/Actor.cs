using System.Security.Claims;

namespace Boon.Platform.Log;

/// <summary>
/// Who caused an event, as its <c>by</c> says it: the kind, a colon and the id, such as <c>operator:0198...</c>; or one word where there is
/// no id.
/// </summary>
public static class Actor
{
    /// <summary>Boon itself: an effect of another event (which <c>causationid</c> names), or work by the clock.</summary>
    public const string System = "system";

    /// <summary>A request that says not who sends it.</summary>
    public const string Anonymous = "anonymous";

    /// <summary>
    /// Whoever ran <c>boon</c> on the command line, with access to the settings: which person that is, Boon does not know.
    /// </summary>
    public const string CommandLine = "command-line";

    /// <summary>A user who acts for themselves.</summary>
    public static string Member(Guid userId) => $"{Role.Member}:{userId}";

    /// <summary>The sender of a request, by the strongest role.</summary>
    public static string Of(ClaimsPrincipal caller)
    {
        if (caller.FindFirst("sub") is not { } id)
            return Anonymous;
        var kind = caller.IsInRole(Role.Operator) ? Role.Operator : caller.IsInRole(Role.ApiKey) ? Role.ApiKey : Role.Member;
        return $"{kind}:{id.Value}";
    }
}
