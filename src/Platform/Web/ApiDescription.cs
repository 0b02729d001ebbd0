using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Boon.Platform.Web;

/// <summary>The OpenAPI document at <c>/openapi/v1.json</c>: who may call what, and the problem document as the shape of every error.</summary>
internal static class ApiDescription
{
    private const string Bearer = "Bearer";

    internal static void Configure(OpenApiOptions options)
    {
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo
            {
                Title = "Boon",
                Version = "v1",
                Description = "Self-hosted, event-driven incentives: campaigns and vouchers, driven by a log of what people do. "
                    + "Errors are application/problem+json with a stable `code`.",
            };
            document.Components ??= new OpenApiComponents();
            document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>(StringComparer.Ordinal)
            {
                [Bearer] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", BearerFormat = "JWT", Description = "The accessToken of POST /v1/sessions; for POST /v1/events also an API key." },
            };
            return Task.CompletedTask;
        });
        options.AddOperationTransformer((operation, context, _) =>
        {
            var policies = context.Description.ActionDescriptor.EndpointMetadata.OfType<IAuthorizeData>().Select(data => data.Policy).ToList();
            if (policies.Count > 0)
            {
                operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Bearer, context.Document)] = [] }];
                // Other policies are not a role: their endpoints say who may call.
                if (policies.TrueForAll(policy => policy is Auth.Caller.Member or Auth.Caller.Operator))
                    operation.Description = $"{operation.Description} Needs the role `{string.Join("`, `", policies)}`.".Trim();
            }
            if (context.Description.ActionDescriptor.EndpointMetadata.OfType<IdempotentEndpoint>().Any())
            {
                operation.Parameters ??= [];
                operation.Parameters.Add(new OpenApiParameter
                {
                    Name = "Idempotency-Key",
                    In = ParameterLocation.Header,
                    Description = "Up to 255 characters: the same key and body give the first answer again, for 24 hours.",
                    Schema = new OpenApiSchema { Type = JsonSchemaType.String, MaxLength = 255 },
                });
            }
            operation.Responses ??= [];
            operation.Responses.TryAdd("default", new OpenApiResponse { Description = "A problem document: see `code`." });
            return Task.CompletedTask;
        });
    }
}
