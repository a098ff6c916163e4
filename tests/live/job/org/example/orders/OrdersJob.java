package org.example.orders;

import java.time.Duration;
import java.util.Properties;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;

/** orders → total of each customer → order-totals, exactly once. Arguments: BOOTSTRAP GROUP FAULTS-FOLDER NAME. */
public final class OrdersJob {
    private static final String TRANSACTION_TIMEOUT_MS = "600000"; // Below the brokers' limit of 15 minutes.

    private OrdersJob() {}

    public static void main(String[] args) throws Exception {
        String bootstrap = args[0];
        String group = args[1];
        String faults = args[2];
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
        KafkaSource<String> orders = KafkaSource.<String>builder()
                .setBootstrapServers(bootstrap)
                .setTopics("orders")
                .setGroupId(group)
                .setStartingOffsets(OffsetsInitializer.committedOffsets(OffsetResetStrategy.LATEST))
                .setValueOnlyDeserializer(new SimpleStringSchema())
                .build();
        Properties producer = new Properties();
        producer.setProperty("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS);
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
        WatermarkStrategy<String> watermarks = WatermarkStrategy.<String>forBoundedOutOfOrderness(Duration.ofSeconds(2))
                .withIdleness(Duration.ofSeconds(30));
        env.fromSource(orders, watermarks, "orders").uid("orders")
                .flatMap(new ParseOrder(faults)).name("parse").uid("parse")
                .keyBy(order -> order.f0)
                .process(new TotalByCustomer(faults)).name("total").uid("total")
                .map(new BeforeSink(faults)).name("format").uid("format")
                .sinkTo(totals).name("order-totals").uid("order-totals");
        env.execute(args[3]);
    }
}
