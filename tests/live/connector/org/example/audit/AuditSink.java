package org.example.audit;

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
 * "audit-herder" it does not come back when it is asked for its tasks: the worker's own thread asks.
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
        while (Files.exists(Path.of(options.get("faults"), "audit-herder"))) {
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
