using System.Diagnostics;
using System.Reflection;
using System.Runtime.Loader;
using Boon.Support;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using NSwag;
using NSwag.CodeGeneration.CSharp;
using NSwag.CodeGeneration.OperationNameGenerators;

namespace Boon.Scenarios;

/// <summary>Clients that generators make of the OpenAPI document compile, and do the README's walk.</summary>
public sealed class ClientTests(SharedBoon shared) : IClassFixture<SharedBoon>
{
    private static readonly string Sources = Path.Combine(Checkout.Root, "tests", "Clients");

    private readonly TestBoon boon = shared.Boon;

    [Fact]
    public async Task A_csharp_client_of_the_document_does_the_walk()
    {
        var document = await OpenApiDocument.FromJsonAsync((await boon.Api.Get("/openapi/v1.json")).Text);
        var client = new CSharpClientGenerator(document, new CSharpClientGeneratorSettings
        {
            ClassName = "BoonClient",
            OperationNameGenerator = new SingleClientFromOperationIdOperationNameGenerator(),
            UseBaseUrl = false,
            CSharpGeneratorSettings = { Namespace = "Boon.Client", GenerateNullableReferenceTypes = true },
        }).GenerateFile();
        var walk = Compile(client, await File.ReadAllTextAsync(Path.Combine(Sources, "Walk.cs"))).GetType("Boon.Client.Walk")!.GetMethod(
            "RunAsync")!;
        await (Task)walk.Invoke(null, [boon.Api.Url, TestBoon.OperatorPassword])!;
    }

    private static Assembly Compile(params string[] sources)
    {
        var platform = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Select(path => MetadataReference.CreateFromFile(path));
        var compilation = CSharpCompilation.Create(
            "Boon.Client", sources.Select(source => CSharpSyntaxTree.ParseText(source)), platform, new CSharpCompilationOptions(
                OutputKind.DynamicallyLinkedLibrary));
        using var image = new MemoryStream();
        var result = compilation.Emit(image);
        result.Diagnostics.Where(fault => fault.Severity == DiagnosticSeverity.Error).Select(fault => fault.ToString()).ShouldBeEmpty();
        image.Position = 0;
        return AssemblyLoadContext.Default.LoadFromStream(image);
    }

    [Fact]
    public async Task A_typescript_client_of_the_document_does_the_walk()
    {
        var folder = Path.Combine(Checkout.Root, "artifacts", "tests", "typescript");
        Directory.CreateDirectory(folder);
        var installed = Path.Combine(folder, "package-lock.json");
        var fresh = File.Exists(installed) && File.Exists(Path.Combine(folder, "node_modules", ".package-lock.json"))
            && await File.ReadAllTextAsync(installed) == await File.ReadAllTextAsync(
                Path.Combine(Sources, "typescript", "package-lock.json"));
        foreach (var file in Directory.GetFiles(Path.Combine(Sources, "typescript")))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)), overwrite: true);
        await File.WriteAllTextAsync(Path.Combine(folder, "openapi.json"), (await boon.Api.Get("/openapi/v1.json")).Text);
        if (!fresh)
            await RunAsync(folder, "npm", "ci", "--no-audit", "--no-fund", "--prefer-offline");
        await RunAsync(folder, "node", "node_modules/openapi-typescript/bin/cli.js", "openapi.json", "-o", "api.d.ts");
        await RunAsync(folder, "node", "node_modules/typescript/bin/tsc");
        (await RunAsync(folder, "node", "out/walk.js", boon.Api.Url, TestBoon.OperatorPassword)).ShouldContain("walked");
    }

    private static Task<string> RunAsync(string folder, string program, params string[] arguments) =>
        Programs.RunAsync(new ProcessStartInfo(program, arguments) { WorkingDirectory = folder });
}
