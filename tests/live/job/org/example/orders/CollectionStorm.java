package org.example.orders;

import java.util.LinkedList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Half a minute of one full garbage collection after the other, in one task manager: hardly anything else runs there. */
final class CollectionStorm implements Runnable {
    private static final long LASTS_NANOS = TimeUnit.SECONDS.toNanos(30);
    private static final int LIVE_OBJECTS = 600_000;

    static void begin() {
        Thread thread = new Thread(new CollectionStorm(), "collection-storm");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void run() {
        // What lives has to be walked each time.
        List<Object> live = new LinkedList<>();
        for (int i = 0; i < LIVE_OBJECTS; i++) {
            live.add(new byte[16]);
        }
        long until = System.nanoTime() + LASTS_NANOS;
        while (System.nanoTime() < until) {
            System.gc();
        }
        live.clear();
    }
}
