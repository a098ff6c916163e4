package org.example.orders;

import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.java.tuple.Tuple3;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * A running total for each customer, kept in keyed state; with the order's sequence, so that a reader can tell a lost order
 * from a doubled one. With "text" the total is kept as text: state of the usual version does not fit.
 */
final class TotalByCustomer extends KeyedProcessFunction<String, Tuple3<String, Long, Long>, String> {
    private static final long serialVersionUID = 1L;
    // A customer in hundred a second is nothing; all orders in one subtask are more than it can do.
    private static final long HOT_KEY_MS = 12;
    private static final int BALLAST_BYTES = 8192; // At a hundred orders a second the heap lasts for five minutes.

    private final Faults growingState;
    private final Faults hotKey;
    private final boolean textState;
    private transient ValueState<Long> total;
    private transient ValueState<String> textTotal;
    private transient MapState<Long, byte[]> ballast;
    private transient long ballastKey;

    TotalByCustomer(String faults, boolean textState) {
        this.textState = textState;
        hotKey = new Faults(faults, "hot-key");
        growingState = new Faults(faults, "growing-state");
    }

    @Override
    public void processElement(Tuple3<String, Long, Long> order, Context context, Collector<String> out) throws Exception {
        if (ballast == null) {
            openState();
        }
        if (growingState.on()) {
            ballast.put(ballastKey++, new byte[BALLAST_BYTES]);
        } else if (!ballast.isEmpty()) {
            ballast.clear();
        }
        if (hotKey.on()) {
            TimeUnit.MILLISECONDS.sleep(HOT_KEY_MS);
        }
        long after = before() + order.f1;
        if (textState) {
            textTotal.update(Long.toString(after));
        } else {
            total.update(after);
        }
        out.collect(order.f0 + "," + after + "," + order.f2);
    }

    private void openState() {
        if (textState) {
            textTotal = getRuntimeContext().getState(new ValueStateDescriptor<>("total", String.class));
        } else {
            total = getRuntimeContext().getState(new ValueStateDescriptor<>("total", Long.class));
        }
        ballast = getRuntimeContext().getMapState(new MapStateDescriptor<>("ballast", Long.class, byte[].class));
    }

    private long before() throws Exception {
        if (textState) {
            String before = textTotal.value();
            return before == null ? 0 : Long.parseLong(before);
        }
        Long before = total.value();
        return before == null ? 0 : before;
    }
}
