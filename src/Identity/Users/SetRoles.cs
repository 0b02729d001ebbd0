using Boon.Identity.Accounts;

namespace Boon.Identity.Users;

/// <summary>Lets an operator grant or take the role of operator.</summary>
internal static class SetRoles
{
    /// <summary>The body of PUT /v1/users/{id}/roles.</summary>
    /// <param name="Roles"><c>member</c>, and <c>operator</c> or not.</param>
    /// <example>{"roles": ["member", "operator"]}</example>
    internal sealed record Request([Required, AllowedValues(Role.Member, Role.Operator)] string[]? Roles);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPut("/v1/users/{id}/roles", Handle)
        .WithUnit<IdentityDb>().ForOperators().WithTags("Users")
        .WithSummary("Sets a user's roles: `member`, and `operator` or not.")
        .WithDescription("A user who loses a role is signed out everywhere; a new role is in the next token. The first operator keeps its "
            + "role (409 `operator-protected`).")
        .Produces<UserView>()
        .Refuses(StatusCodes.Status409Conflict, "operator-protected");

    private static async Task<IResult> Handle(
        string id, Request request, ClaimsPrincipal caller, Unit<IdentityDb> unit, AccessState access, CancellationToken ct)
    {
        var validation = new Validation();
        if (validation.Require(request.Roles, "roles"))
            validation.Check(request.Roles!.Contains(Role.Member) && request.Roles!.All(role => role is Role.Member or Role.Operator),
                "roles", "must be [\"member\"] or [\"member\", \"operator\"]");
        if (!validation.Ok)
            return Problems.Invalid(validation);
        if (!Guid.TryParse(id, out var userId))
            return Problems.NotFound("user");

        var roles = request.Roles!.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray();
        await unit.BeginAsync(ct);
        var before = await unit.Db.Users.FromSql($"select * from identity.users where id = {userId} and status = 'active' for update")
            .AsNoTracking().SingleOrDefaultAsync(ct);
        if (before is null)
            return Problems.NotFound("user");
        if (before.Username == FirstOperator.Username && !roles.Contains(Role.Operator))
            return Problems.Of(StatusCodes.Status409Conflict, "operator-protected", "The first operator keeps its role.");
        await unit.Db.Users.Where(user => user.Id == userId).ExecuteUpdateAsync(set => set.SetProperty(user => user.Roles, roles), ct);
        if (before.Roles.Except(roles, StringComparer.Ordinal).Any())
            await EndedSessions.EndAsync(unit, access, userId, "roles-changed", ct);
        unit.Append(new UserRolesChanged(userId, roles, caller.UserId()));
        return TypedResults.Ok(UserView.Of(before) with { Roles = roles });
    }
}
