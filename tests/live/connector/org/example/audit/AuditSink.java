package org.example.audit;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.sink.SinkConnector;

/** A sink that appends to a file. Options: file, and faults, the folder in which faults are switched on. */
public final class AuditSink extends SinkConnector {
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
