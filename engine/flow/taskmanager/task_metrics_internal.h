// What a task manager says about its tasks, under Flink's names: once for the job manager (REST), once for Prometheus.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/common/metrics_page.h"
#include "engine/flow/taskmanager/execution_internal.h"

namespace medic::engine::flow {

using MetricValues = std::map<std::string, double>;  // By Flink's name within its scope, e.g. "busyTimeMsPerSecond".

struct OperatorValues {
    std::string name, id;
    MetricValues values;
    struct Partition {
        std::string topic;
        int partition = 0;
        MetricValues values;
    };
    std::vector<Partition> partitions;
};

struct TaskValues {
    std::string job_id, job_name, task_id, task_name;
    std::int64_t generation = 0;
    int vertex = 0, subtask = 0, attempt = 0;
    MetricValues values;
    std::vector<OperatorValues> operators;
};

// Turns counters into rates over the time between two samples (about a second).
class TaskSampler {
public:
    [[nodiscard]] std::vector<TaskValues> sample(const std::vector<std::shared_ptr<Execution>>& executions);

private:
    struct Last {
        std::int64_t at_ns = 0;
        MetricValues totals;
        std::map<std::string, MetricValues> operators;
    };
    std::map<std::string, Last> last_;  // By task attempt.
};

[[nodiscard]] std::string sanitize_label(std::string_view value);  // As Flink's reporter: [^a-zA-Z0-9:_] becomes '_'.
void add_task(MetricsPage& page, const TaskValues& task, const std::string& resource_id);

// Status.JVM.* of this process, as far as they mean something here: CPU, threads, heap.
class ProcessSampler {
public:
    [[nodiscard]] MetricValues sample();

private:
    std::int64_t last_ns_ = 0, last_cpu_ns_ = 0;
};

}  // namespace medic::engine::flow
