package org.example.orders;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;

/**
 * orders → total of each customer → order-totals, exactly once. Arguments: BOOTSTRAP GROUP FAULTS-FOLDER NAME, and
 * KEY=VALUE for versions that differ: topics (of the source), idleness=off, transaction-timeout-ms, and version: v1
 * is right, v2 fails at its first record, v3 keeps its totals as text.
 */
public final class OrdersJob {
    private static final String TRANSACTION_TIMEOUT_MS = "600000"; // Below the brokers' limit of 15 minutes.

    private OrdersJob() {}

    public static void main(String[] args) throws Exception {
        String bootstrap = args[0];
        String group = args[1];
        String faults = args[2];
        Map<String, String> options = new HashMap<>();
        for (int i = 4; i < args.length; i++) {
            String[] pair = args[i].split("=", 2);
            options.put(pair[0], pair[1]);
        }
        String version = options.getOrDefault("version", "v1");
        Configuration shown = new Configuration();
        shown.set(PipelineOptions.GLOBAL_JOB_PARAMETERS, Map.of("version", version));
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(shown);
        KafkaSource<String> orders = KafkaSource.<String>builder()
                .setBootstrapServers(bootstrap)
                .setTopics(options.getOrDefault("topics", "orders").split("\\+"))
                .setGroupId(group)
                .setStartingOffsets(OffsetsInitializer.committedOffsets(OffsetResetStrategy.LATEST))
                .setValueOnlyDeserializer(new SimpleStringSchema())
                .build();
        Properties producer = new Properties();
        producer.setProperty(
                "transaction.timeout.ms", options.getOrDefault("transaction-timeout-ms", TRANSACTION_TIMEOUT_MS));
        KafkaSink<String> totals = KafkaSink.<String>builder()
                .setBootstrapServers(bootstrap)
                .setKafkaProducerConfig(producer)
                .setRecordSerializer(KafkaRecordSerializationSchema.builder()
                        .setTopic("order-totals")
                        .setValueSerializationSchema(new SimpleStringSchema())
                        .build())
                .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
                .setTransactionalIdPrefix(group)
                .build();
        WatermarkStrategy<String> watermarks = WatermarkStrategy.<String>forBoundedOutOfOrderness(Duration.ofSeconds(2));
        if (!"off".equals(options.get("idleness"))) {
            watermarks = watermarks.withIdleness(Duration.ofSeconds(30));
        }
        env.fromSource(orders, watermarks, "orders").uid("orders")
                .flatMap(new ParseOrder(faults, "v2".equals(version))).name("parse").uid("parse")
                .keyBy(order -> order.f0)
                .process(new TotalByCustomer(faults, "v3".equals(version))).name("total").uid("total")
                .map(new BeforeSink(faults)).name("format").uid("format")
                .sinkTo(totals).name("order-totals").uid("order-totals");
        env.execute(args[3]);
    }
}
