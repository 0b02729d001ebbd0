using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Boon.Platform.Hosting.ApiDescription;

/// <summary>
/// The OpenAPI document at <c>/openapi/v1.json</c>. It is made from the endpoints themselves: their types, attributes, comments and the
/// refusals that they name. Version 3.0, which every generator of clients reads.
/// </summary>
internal static class ApiDocument
{
    internal const string Bearer = "Bearer";
    internal const string ApiKey = "ApiKey";

    internal static void Configure(OpenApiOptions options)
    {
        options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_0;
        options.CreateSchemaReferenceId = SchemaNames.Of;
        options.AddDocumentTransformer(DescribeAsync);
        options.AddOperationTransformer(Operations.DescribeAsync);
        options.AddSchemaTransformer(Schemas.DescribeAsync);
    }

    private static Task DescribeAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken ct)
    {
        document.Info = new OpenApiInfo
        {
            Title = "Boon",
            Version = "v1",
            Description = "Self-hosted, event-driven incentives: campaigns, vouchers, coupons and quests, driven by a log of what "
                + "people do. "
                + "Bodies are strict: unknown members are refused. Answers leave out members that are null, and may get new members. "
                + "Errors are `application/problem+json` with a stable `code`.",
        };
        // Where this document was fetched from, whatever Host the request named.
        document.Servers = [new OpenApiServer { Url = "/" }];
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>(StringComparer.Ordinal)
        {
            [Bearer] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http, Scheme = "bearer", BearerFormat = "JWT", Description =
                    "The accessToken of POST /v1/sessions.",
            },
            [ApiKey] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http, Scheme = "bearer", BearerFormat = "boon_...", Description =
                    "A key of POST /v1/api-keys, sent like a token. It reports events and does nothing else.",
            },
        };
        foreach (var schema in document.Components.Schemas?.Values.OfType<OpenApiSchema>() ?? [])
            Schemas.Finish(schema);
        return Task.CompletedTask;
    }
}
