// What a task manager measures: once a second for the job manager, and for Prometheus when it asks.
#include "engine/flow/taskmanager/taskmanager_internal.h"

namespace medic::engine::flow {

void TaskManager::report_metrics() {
    std::vector<TaskValues> values;
    {
        const std::lock_guard lock(mutex_);  // All along: an execution that starts right now adds its tasks under it.
        values = sampler_.sample(executions_);
    }
    const MetricValues process = process_sampler_.sample();
    json tasks = json::array();
    for (const TaskValues& task : values) {
        json flat = task.values;
        for (const OperatorValues& op : task.operators)
            for (const auto& [name, value] : op.values) flat[sanitize_label(op.name) + "." + name] = value;
        tasks.push_back({{"job", task.job_id},
                         {"generation", task.generation},
                         {"vertex", task.vertex},
                         {"subtask", task.subtask},
                         {"values", std::move(flat)}});
    }
    {
        const std::lock_guard lock(page_mutex_);
        last_values_ = std::move(values);
        last_process_ = process;
    }
    if (registered_) send({{"type", "metrics"}, {"tasks", std::move(tasks)}, {"process", process}});
}

std::string TaskManager::metrics_page() {
    MetricsPage page;
    const std::lock_guard lock(page_mutex_);
    const std::string tm_id = sanitize_label(options_.resource_id);
    for (const auto& [name, value] : last_process_)
        page.add("flink_taskmanager_" + sanitize_label(name), {{"host", "127_0_0_1"}, {"tm_id", tm_id}}, value,
                 MetricsPage::Type::gauge);
    for (const TaskValues& task : last_values_) add_task(page, task, options_.resource_id);
    page.add_process();
    return page.render();
}

}  // namespace medic::engine::flow
