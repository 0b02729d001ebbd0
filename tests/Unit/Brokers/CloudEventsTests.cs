using System.Text;
using Boon.Broker.Transport;
using Boon.Platform.Log;

namespace Boon.Unit.Brokers;

/// <summary>The one mapping between events and messages, by itself.</summary>
public sealed class CloudEventsTests
{
    private static readonly DateTime Time = new DateTime(2026, 5, 1, 9, 30, 0, DateTimeKind.Utc).AddTicks(1_234_560);

    private static LogMessage Full { get; } = new(
        Guid.CreateVersion7(), Guid.CreateVersion7(), Shipped: 12, Head: 15, new LoggedEvent(
            "quests", 12, Guid.CreateVersion7(), "external.café.v1", "thing", "a/b/c", Guid.CreateVersion7(),
            Encoding.UTF8.GetBytes("""{ "a" : 1.50,  "b":"\u0000é" }"""), Time, Time.AddTicks(10),
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Guid.CreateVersion7(), "operator:0198", "Ticket 4711: é"));

    public static TheoryData<string> Prefixes => ["cloudEvents:", "ce_"];

    [Theory, MemberData(nameof(Prefixes))]
    public void Every_column_comes_back_as_it_was_and_the_data_byte_for_byte(string prefix)
    {
        var names = new CloudEventNames(prefix);
        ShouldBeSame(names, Full);
        ShouldBeSame(names, Full with
        {
            Event = Full.Event! with { UserId = null, TraceParent = null, CausationId = null, By = null, Reason = null, AggregateId = "" },
        });
        ShouldBeSame(names, Full with { Event = null });
        ShouldBeSame(names, new LogMessage(Guid.Empty, Guid.Empty, 0, 0, null));
    }

    [Fact]
    public void Headers_are_those_of_the_binding_with_the_names_of_the_API()
    {
        var headers = Headers(CloudEventNames.Kafka, Full);
        headers["ce_specversion"].ShouldBe("1.0");
        headers["ce_source"].ShouldBe("/quests");
        headers["ce_subject"].ShouldBe("thing/a/b/c");
        headers["ce_time"].ShouldBe("2026-05-01T09:30:00.123456Z");
        headers["ce_recordedtime"].ShouldBe("2026-05-01T09:30:00.123457Z");
        headers["ce_sequence"].ShouldBe("12");
        headers.Keys.ShouldAllBe(name => name.Substring(3).All(char.IsAsciiLetterLower));
        Headers(CloudEventNames.Amqp, Full).Keys.ShouldAllBe(name => name.StartsWith("cloudEvents:"));
    }

    /// <summary>Each has one attribute that is not what it must be: an empty one stands for a header that is missing.</summary>
    [Theory]
    [InlineData("specversion", "0.3", "specversion is not 1.0")]
    [InlineData("specversion", "", "specversion is missing")]
    [InlineData("source", "/orders", "source is not /quests")]
    [InlineData("type", "", "type is missing")]
    [InlineData("id", "7", "id is not an id")]
    [InlineData("id", "", "id is missing")]
    [InlineData("stream", "x", "stream is not an id")]
    [InlineData("logid", "", "logid is missing")]
    [InlineData("shipped", "-1", "shipped is not a number from 0")]
    [InlineData("head", "99999999999999999999", "head is not a number from 0")]
    [InlineData("sequence", "0", "sequence is not a number from 1")]
    [InlineData("sequence", "+1", "sequence is not a number from 1")]
    [InlineData("sequence", "٣", "sequence is not a number from 1")]
    [InlineData("subject", "thing", "subject is not a kind, a slash and an id")]
    [InlineData("subject", "a/\0", "subject is not a text")]
    [InlineData("time", "2026-05-01T09:30:00.123Z", "time is not a time")]
    [InlineData("time", "2026-05-01T09:30:00.123456+02:00", "time is not a time")]
    [InlineData("recordedtime", "now", "recordedtime is not a time")]
    [InlineData("userid", "me", "userid is not an id")]
    [InlineData("causationid", "{0198}", "causationid is not an id")]
    [InlineData("by", "a\0", "by is not a text")]
    public void A_wrong_attribute_is_a_fault_that_names_it(string attribute, string value, string fault)
    {
        var headers = Values(CloudEventNames.Kafka, Full);
        headers["ce_" + attribute] = value.Length == 0 ? null : Encoding.UTF8.GetBytes(value);
        var read = CloudEvents.Read(CloudEventNames.Kafka, "quests", headers.GetValueOrDefault, Full.Event!.Payload);
        read.Message.ShouldBeNull();
        read.Fault!.ShouldStartWith("ce_" + fault);
    }

    [Fact]
    public void Junk_is_a_fault_too()
    {
        var headers = Values(CloudEventNames.Amqp, Full);
        FaultOf(headers, "{\"a\":").ShouldBe("the body is not JSON");
        FaultOf(headers, "").ShouldBe("the body is not JSON");
        FaultOf(headers, "{} {}").ShouldBe("the body is not JSON");
        CloudEvents.Read(CloudEventNames.Amqp, "quests", headers.GetValueOrDefault, [(byte)'"', 0xC3, (byte)'"']).Fault
            .ShouldBe("the body is not UTF-8");
        headers["cloudEvents:id"] = new byte[] { 0xC3, 0x28 };
        FaultOf(headers, "{}").ShouldBe("cloudEvents:id is not UTF-8");
        headers["cloudEvents:id"] = 7L;
        FaultOf(headers, "{}").ShouldBe("cloudEvents:id is not a text");
        FaultOf([], "{}").ShouldBe("cloudEvents:specversion is missing");
    }

    private static string? FaultOf(Dictionary<string, object?> headers, string body) =>
        CloudEvents.Read(CloudEventNames.Amqp, "quests", headers.GetValueOrDefault, Encoding.UTF8.GetBytes(body)).Fault;

    private static void ShouldBeSame(CloudEventNames names, LogMessage message)
    {
        var (read, fault) = CloudEvents.Read(
            names, "quests", Values(names, message).GetValueOrDefault, message.Event?.Payload);
        fault.ShouldBeNull();
        (read! with { Event = null }).ShouldBe(message with { Event = null });
        if (message.Event is not { } e)
        {
            read.Event.ShouldBeNull();
            return;
        }
        read.Event!.Payload.ShouldBe(e.Payload);
        read.Event.Time.Kind.ShouldBe(DateTimeKind.Utc);
        (read.Event with { Payload = e.Payload }).ShouldBe(e);
    }

    private static Dictionary<string, string> Headers(CloudEventNames names, LogMessage message)
    {
        var headers = new Dictionary<string, string>(StringComparer.Ordinal);
        CloudEvents.Write(names, "quests", message, headers.Add);
        return headers;
    }

    private static Dictionary<string, object?> Values(CloudEventNames names, LogMessage message) =>
        Headers(names, message).ToDictionary(one => one.Key, one => (object?)Encoding.UTF8.GetBytes(one.Value), StringComparer.Ordinal);
}
