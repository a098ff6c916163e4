package org.example.orders;

import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** A running total for each customer, kept in keyed state. */
final class TotalByCustomer extends KeyedProcessFunction<String, Tuple2<String, Long>, String> {
    private static final long serialVersionUID = 1L;

    private final Faults growingState;
    private transient ValueState<Long> total;
    private transient MapState<Long, byte[]> ballast;
    private transient long ballastKey;

    TotalByCustomer(String faults) {
        growingState = new Faults(faults, "growing-state");
    }

    @Override
    public void processElement(Tuple2<String, Long> order, Context context, Collector<String> out) throws Exception {
        if (total == null) {
            total = getRuntimeContext().getState(new ValueStateDescriptor<>("total", Long.class));
            ballast = getRuntimeContext().getMapState(new MapStateDescriptor<>("ballast", Long.class, byte[].class));
        }
        if (growingState.on()) {
            ballast.put(ballastKey++, new byte[4096]);
        }
        Long before = total.value();
        long after = (before == null ? 0 : before) + order.f1;
        total.update(after);
        out.collect(order.f0 + "," + after);
    }
}
