namespace Boon.Broker.Transport;

/// <summary>The names of the headers that carry a CloudEvent's attributes.</summary>
internal sealed class CloudEventNames(string prefix)
{
    /// <summary>
    /// CloudEvents has no binding of AMQP 0.9.1. The prefix is the one of its binding of AMQP 1.0, which RabbitMQ keeps when it translates.
    /// </summary>
    internal static CloudEventNames Amqp { get; } = new("cloudEvents:");

    /// <summary>As the Kafka binding says it.</summary>
    internal static CloudEventNames Kafka { get; } = new("ce_");

    internal string SpecVersion { get; } = prefix + "specversion";
    internal string Id { get; } = prefix + "id";
    internal string Source { get; } = prefix + "source";
    internal string Type { get; } = prefix + "type";
    internal string Subject { get; } = prefix + "subject";
    internal string Time { get; } = prefix + "time";
    internal string Sequence { get; } = prefix + "sequence";
    internal string RecordedTime { get; } = prefix + "recordedtime";
    internal string TraceParent { get; } = prefix + "traceparent";
    internal string UserId { get; } = prefix + "userid";
    internal string CausationId { get; } = prefix + "causationid";
    internal string By { get; } = prefix + "by";

    internal string Reason { get; } = prefix + "reason";
    internal string LogId { get; } = prefix + "logid";
    internal string Stream { get; } = prefix + "stream";
    internal string Shipped { get; } = prefix + "shipped";
    internal string Head { get; } = prefix + "head";
}
