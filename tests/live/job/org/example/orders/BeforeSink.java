package org.example.orders;

import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.functions.RichMapFunction;

/**
 * Stands in front of the sink: slow where the fault "slow-sink" is on. Whoever takes "blocked-cancel" never comes back and
 * is deaf to cancellation.
 */
final class BeforeSink extends RichMapFunction<String, String> {
    private static final long serialVersionUID = 1L;
    private static final long SLOW_MS = 500;

    private final Faults slow;
    private final Faults blocked;
    private transient boolean stuck;

    BeforeSink(String faults) {
        slow = new Faults(faults, "slow-sink");
        blocked = new Faults(faults, "blocked-cancel");
    }

    @Override
    public String map(String line) throws Exception {
        if (slow.on()) {
            TimeUnit.MILLISECONDS.sleep(SLOW_MS);
        }
        while (stuck || blocked.claim()) {
            stuck = true;
            try {
                TimeUnit.MILLISECONDS.sleep(SLOW_MS);
            } catch (InterruptedException ignored) {
                // A driver that swallows the interrupt: the task cannot be cancelled.
            }
        }
        return line;
    }
}
