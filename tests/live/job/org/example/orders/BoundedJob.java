package org.example.orders;

import java.util.concurrent.TimeUnit;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Counts for some ten seconds and finishes: a job that ends because its input does. Argument: NAME. */
public final class BoundedJob {
    private static final long RECORDS = 100;
    private static final long PAUSE_MS = 100;

    private BoundedJob() {}

    public static void main(String[] args) throws Exception {
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment();
        env.setParallelism(1);
        env.fromSequence(1, RECORDS)
                .map(number -> {
                    TimeUnit.MILLISECONDS.sleep(PAUSE_MS);
                    return number;
                })
                .returns(Long.class)
                .filter(number -> number == RECORDS)
                .print();
        env.execute(args[0]);
    }
}
