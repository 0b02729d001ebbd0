using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text.Json;

namespace Boon.Quests.Catalog;

/// <summary>An entry of the catalog: its id and its JSON, as it is sent.</summary>
internal sealed record CatalogEntry(Guid Id, byte[] Json);

/// <summary>A list of the catalog, newest first, ready to be sent.</summary>
internal sealed class CatalogList
{
    internal const int DefaultLimit = 50;

    private readonly CatalogEntry[] entries;
    private readonly FrozenDictionary<Guid, CatalogEntry> byId;

    internal CatalogList(IEnumerable<CatalogEntry> newestFirst)
    {
        entries = [.. newestFirst];
        byId = entries.ToFrozenDictionary(entry => entry.Id);
        FirstPage = Page(DefaultLimit, before: null);
        // The same entries have the same tag in every process.
        var hash = SHA256.HashData(entries.SelectMany(entry => entry.Json).ToArray());
        ETag = $"\"{Convert.ToHexStringLower(hash.AsSpan(0, 16))}\"";
    }

    /// <summary>A strong tag of the whole list.</summary>
    internal string ETag { get; }

    /// <summary>What most ask for.</summary>
    internal byte[] FirstPage { get; }

    internal CatalogEntry? Find(Guid id) => byId.GetValueOrDefault(id);

    /// <summary>A page, after an entry or from the start.</summary>
    internal byte[] Page(int limit, Guid? before)
    {
        var from = before is { } id ? Array.FindIndex(entries, entry => entry.Id.CompareTo(id) < 0) : 0;
        var page = from < 0 ? [] : entries.AsSpan(from, Math.Min(limit, entries.Length - from));
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartArray("data");
            foreach (var entry in page)
                json.WriteRawValue(entry.Json, skipInputValidation: true);
            json.WriteEndArray();
            if (from >= 0 && from + page.Length < entries.Length)
                json.WriteString("next", PageQuery.Encode((Guid?)page[^1].Id));
            else
                json.WriteNull("next");
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }
}

/// <summary>The catalog at one moment. Immutable: a change makes another one.</summary>
/// <param name="Version">Which change it shows.</param>
/// <param name="Rewards">All rewards.</param>
/// <param name="Public">The quests that everybody sees: all but drafts.</param>
/// <param name="All">The quests that operators see.</param>
/// <param name="Quests">All quests by id.</param>
internal sealed record CatalogSnapshot(
    long Version, CatalogList Rewards, CatalogList Public, CatalogList All, FrozenDictionary<Guid, Quest> Quests)
{
    /// <summary>What a catalog is before its first change.</summary>
    internal static CatalogSnapshot Empty { get; } = Of(0, [], []);

    internal static CatalogSnapshot Of(long version, IReadOnlyList<Reward> rewards, IReadOnlyList<Quest> quests)
    {
        var byId = rewards.ToDictionary(reward => reward.Id);
        var views = quests.OrderByDescending(quest => quest.Id)
            .Select(quest => (quest.State, Entry: new CatalogEntry(
                quest.Id, JsonSerializer.SerializeToUtf8Bytes(QuestView.Of(quest, byId[quest.RewardId]), Json.Options)))).ToList();
        return new CatalogSnapshot(
            version,
            new CatalogList(rewards.OrderByDescending(reward => reward.Id)
                .Select(reward => new CatalogEntry(reward.Id, JsonSerializer.SerializeToUtf8Bytes(RewardView.Of(reward), Json.Options)))),
            new CatalogList(views.Where(view => view.State != RuleState.Draft).Select(view => view.Entry)),
            new CatalogList(views.Select(view => view.Entry)),
            quests.ToFrozenDictionary(quest => quest.Id));
    }
}
