using System.Text.Json;
using System.Text.Json.Serialization;
using Boon.Promotions.Claims;

namespace Boon.Promotions;

/// <summary>Generated JSON code for what the claim path reads and writes: requests, answers, benefits as they are stored.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ClaimCoupon.Request))]
[JsonSerializable(typeof(ClaimView))]
[JsonSerializable(typeof(Benefit))]
internal sealed partial class PromotionsJson : JsonSerializerContext;
