namespace Boon.Greetings.Sending;

/// <summary>Greets.</summary>
internal static class SendGreeting
{
    /// <summary>The body of POST /v1/greetings.</summary>
    /// <param name="Text">What to say: 1 to 100 characters.</param>
    /// <example>{"text": "Hello"}</example>
    internal sealed record Request([Required, Length(1, Greeting.LongestText)] string? Text);

    /// <summary>A greeting.</summary>
    /// <param name="Id">Its id.</param>
    /// <param name="Text">What was said.</param>
    internal sealed record GreetingView(Guid Id, string Text);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/v1/greetings", Handle)
        .WithUnit<GreetingsDb>(idempotent: true).ForMembers().WithTags("Greetings")
        .WithSummary("Greets.")
        .Produces<GreetingView>(StatusCodes.Status201Created);

    private static async Task<IResult> Handle(Request request, ClaimsPrincipal caller, Unit<GreetingsDb> unit, CancellationToken ct)
    {
        var validation = new Validation();
        validation.Text(request.Text, "text", 1, Greeting.LongestText, kind: TextKind.Prose);
        if (!validation.Ok)
            return Problems.Invalid(validation);
        var greeting = new Greeting { Id = Guid.CreateVersion7(), UserId = caller.UserId(), Text = request.Text! };
        await unit.BeginAsync(ct);
        unit.Db.Add(greeting);
        unit.Append(new GreetingSent(greeting.Id, greeting.UserId, greeting.Text));
        return TypedResults.Created($"/v1/greetings/{greeting.Id}", new GreetingView(greeting.Id, greeting.Text));
    }
}
