using Boon.Identity.Accounts;

namespace Boon.Identity.Users;

/// <summary>Shows an account to its owner, or to an operator.</summary>
internal static class GetUser
{
    internal static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/users/me", GetOwnUserAsync)
            .ForMembers().WithTags("Users").WithSummary("The caller's own account.").Produces<UserView>()
                .Refuses(StatusCodes.Status404NotFound, "not-found");
        routes.MapGet("/v1/users/{id}", Handle)
            .ForMembers().WithTags("Users").WithSummary("An account: the caller's own, or any account for an operator. Otherwise 404.")
                .Produces<UserView>();
    }

    private static Task<IResult> GetOwnUserAsync(ClaimsPrincipal caller, IdentityDb db, CancellationToken ct) =>
        Find(caller.UserId(), db, ct);

    private static async Task<IResult> Handle(string id, ClaimsPrincipal caller, IdentityDb db, CancellationToken ct) =>
        Guid.TryParse(id, out var userId) && (caller.IsOperator() || caller.UserId() == userId)
            ? await Find(userId, db, ct)
            : Problems.NotFound("user");

    private static async Task<IResult> Find(Guid id, IdentityDb db, CancellationToken ct) =>
        await db.Users.SingleOrDefaultAsync(user => user.Id == id, ct) is { } user
            ? TypedResults.Ok(UserView.Of(user))
            : Problems.NotFound("user");
}
