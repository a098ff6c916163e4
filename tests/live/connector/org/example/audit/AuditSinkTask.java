package org.example.audit;

import java.io.IOException;
import java.net.ConnectException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.SQLException;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;

/**
 * Faults, switched on by a file of their name: "audit-dependency-down" fails as a driver does whose server refuses
 * connections; "audit-credentials" as one whose password was changed; whoever takes "audit-hung" never comes back and heeds no interrupt;
 * "audit-slow" takes a minute for one call.
 */
public final class AuditSinkTask extends SinkTask {
    private static final long HANG_POLL_MS = 500;
    private static final long SLOW_MS = 60_000;

    private Path file;
    private Path faults;
    private boolean hung;

    @Override
    public void start(Map<String, String> options) {
        file = Path.of(options.get("file"));
        faults = Path.of(options.get("faults"));
    }

    @Override
    public void put(Collection<SinkRecord> records) {
        if (records.isEmpty()) {
            return;
        }
        if (on("audit-dependency-down")) {
            throw new org.apache.kafka.connect.errors.ConnectException(
                    "audit store cannot be written", new ConnectException("Connection refused"));
        }
        if (on("audit-credentials")) {
            throw new org.apache.kafka.connect.errors.ConnectException(
                    "audit store cannot be opened",
                    new SQLException("FATAL: password authentication failed for user \"audit\"", "28P01"));
        }
        if (on("audit-slow")) {
            sleepThrough(SLOW_MS);
        }
        while (hung || (readsFirstPartition(records) && claim("audit-hung"))) {
            hung = true;
            sleepThrough(HANG_POLL_MS);
        }
        StringBuilder lines = new StringBuilder();
        for (SinkRecord record : records) {
            lines.append(record.kafkaPartition()).append(' ').append(record.kafkaOffset()).append('\n');
        }
        try {
            Files.write(file, lines.toString().getBytes(StandardCharsets.UTF_8), StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
        } catch (IOException error) {
            throw new org.apache.kafka.connect.errors.ConnectException(error);
        }
    }

    /** Of two tasks the one that has two of the three partitions: what hangs is then missed. */
    private static boolean readsFirstPartition(Collection<SinkRecord> records) {
        return records.stream().anyMatch(record -> record.kafkaPartition() == 0);
    }

    /** As a driver without a time-out does. */
    private static void sleepThrough(long milliseconds) {
        try {
            TimeUnit.MILLISECONDS.sleep(milliseconds);
        } catch (InterruptedException ignored) {
            // Deaf on purpose.
        }
    }

    private boolean claim(String fault) {
        try {
            return Files.deleteIfExists(faults.resolve(fault));
        } catch (IOException error) {
            return false;
        }
    }

    private boolean on(String fault) {
        return Files.exists(faults.resolve(fault));
    }

    @Override
    public void stop() {}

    @Override
    public String version() {
        return "1";
    }
}
