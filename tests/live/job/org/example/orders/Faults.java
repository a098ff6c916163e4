package org.example.orders;

import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * Faults of the job's own code that are switched on while it runs: a file FOLDER/NAME is there or not. Looked at five
 * times a second at most, so that a healthy job pays nothing for it.
 */
final class Faults implements Serializable {
    private static final long serialVersionUID = 1L;
    private static final long LOOK_EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

    private final String folder;
    private final String name;
    private transient long lookedAt;
    private transient boolean looked;
    private transient boolean on;

    Faults(String folder, String name) {
        this.folder = folder;
        this.name = name;
    }

    /** Takes the fault for this one subtask: true for whoever is first. */
    boolean claim() {
        try {
            return on() && Files.deleteIfExists(Path.of(folder, name));
        } catch (IOException error) {
            return false;
        }
    }

    boolean on() {
        long now = System.nanoTime();
        if (!looked || now - lookedAt > LOOK_EVERY_NANOS) {
            on = Files.exists(Path.of(folder, name));
            lookedAt = now;
            looked = true;
        }
        return on;
    }
}
