package org.example.orders;

import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.api.java.tuple.Tuple3;
import org.apache.flink.util.Collector;

/** "sequence,customer,cents,milliseconds" to (customer, cents, sequence). The place of most faults of user code. */
final class ParseOrder extends RichFlatMapFunction<String, Tuple3<String, Long, Long>> {
    private static final long serialVersionUID = 1L;
    private static final int LEAKED_BYTES = 1 << 20;

    private final Faults nullPointer;
    private final Faults classCast;
    private final Faults endlessLoop;
    private final Faults heapExhaustion;
    private final Faults connectionLeak;
    private final Faults collectionStorm;
    private transient Map<String, String> regions;
    private transient List<Object> leaked;

    private final boolean badVersion;

    ParseOrder(String faults, boolean badVersion) {
        this.badVersion = badVersion;
        nullPointer = new Faults(faults, "null-pointer");
        classCast = new Faults(faults, "class-cast");
        endlessLoop = new Faults(faults, "endless-loop");
        heapExhaustion = new Faults(faults, "heap-exhaustion");
        connectionLeak = new Faults(faults, "connection-leak");
        collectionStorm = new Faults(faults, "collection-storm");
    }

    @Override
    public void flatMap(String line, Collector<Tuple3<String, Long, Long>> out) throws Exception {
        String[] fields = line.split(",");
        if (fields.length != 4) {
            throw new IllegalArgumentException("an order has four fields, this line has " + fields.length);
        }
        if (badVersion) {
            fields[3] = currencyOf(fields);
        }
        if (nullPointer.on()) {
            out.collect(Tuple3.of(region(fields[1]).toUpperCase(), 0L, 0L));
        }
        if (classCast.on()) {
            Object cents = fields[2];
            out.collect(Tuple3.of(fields[1], (Long) cents, 0L));
        }
        while (endlessLoop.on()) {
            Thread.onSpinWait();
        }
        if (collectionStorm.claim()) {
            CollectionStorm.begin();
        }
        leak();
        out.collect(Tuple3.of(fields[1], Long.parseLong(fields[2]), Long.parseLong(fields[0])));
    }

    /** The new version expects a fifth field that nobody sends yet. */
    private static String currencyOf(String[] fields) {
        return fields[4].trim();
    }

    /** Null for every customer: nobody filled the map. */
    private String region(String customer) {
        if (regions == null) {
            regions = new HashMap<>();
        }
        return regions.get(customer);
    }

    private void leak() throws Exception {
        if (!heapExhaustion.on() && !connectionLeak.on()) {
            return;
        }
        if (leaked == null) {
            leaked = new ArrayList<>();
        }
        leaked.add(heapExhaustion.on() ? new byte[LEAKED_BYTES] : new ServerSocket(0));
    }
}
