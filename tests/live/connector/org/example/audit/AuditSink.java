package org.example.audit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.sink.SinkConnector;

/**
 * A sink that appends to a file. Options: file, and faults, the folder in which faults are switched on. With
 * "audit-herder" it does not come back when it is asked for its tasks, as one that waits for an answer that is lost: the
 * worker's own thread asks. Once: the next process finds the file taken.
 */
public final class AuditSink extends SinkConnector {
    private static final long POLL_MS = 500;

    private Map<String, String> options;

    @Override
    public void start(Map<String, String> given) {
        options = given;
    }

    @Override
    public Class<? extends Task> taskClass() {
        return AuditSinkTask.class;
    }

    @Override
    public List<Map<String, String>> taskConfigs(int tasksMax) {
        boolean waits = taken("audit-herder");
        while (waits) {
            try {
                TimeUnit.MILLISECONDS.sleep(POLL_MS);
            } catch (InterruptedException ignored) {
                // As a connector that asks a server which does not answer.
            }
        }
        List<Map<String, String>> configs = new ArrayList<>();
        for (int i = 0; i < tasksMax; i++) {
            configs.add(options);
        }
        return configs;
    }

    private boolean taken(String fault) {
        try {
            return Files.deleteIfExists(Path.of(options.get("faults"), fault));
        } catch (IOException e) {
            return false;
        }
    }

    @Override
    public void stop() {}

    @Override
    public ConfigDef config() {
        return new ConfigDef()
                .define("file", ConfigDef.Type.STRING, ConfigDef.Importance.HIGH, "Where records are appended")
                .define("faults", ConfigDef.Type.STRING, ConfigDef.Importance.LOW, "Folder of faults");
    }

    @Override
    public String version() {
        return "1";
    }
}
