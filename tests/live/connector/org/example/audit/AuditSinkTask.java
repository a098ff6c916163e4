package org.example.audit;

import java.io.IOException;
import java.net.ConnectException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;

/**
 * Faults, switched on by a file of their name: "audit-dependency-down" fails as a driver does whose server refuses
 * connections; "audit-hung" hangs in put() and heeds no interrupt.
 */
public final class AuditSinkTask extends SinkTask {
    private static final long HANG_POLL_MS = 500;

    private Path file;
    private Path faults;

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
        while (on("audit-hung")) {
            try {
                TimeUnit.MILLISECONDS.sleep(HANG_POLL_MS);
            } catch (InterruptedException ignored) {
                // As a driver without a time-out does.
            }
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
