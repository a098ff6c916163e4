// The job as it runs: operators chained into vertices, each vertex spread over subtasks, edges between vertices.
// Built the same way in the job manager (through describe()) and in every task manager: it depends only on artifact,
// arguments and settings.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "engine/flow/api/flow.h"

namespace medic::engine::flow {

struct GraphOperator {
    int node = 0;  // Index into Environment::nodes().
    std::string uid, name, id;
    int state_version = 1;
    bool stateful = false;
};

struct GraphEdge {
    int source_vertex = 0, target_vertex = 0;
    int source_node = 0, tag = 0, target_node = 0;
    Shipping shipping = Shipping::forward;
};

struct GraphVertex {
    std::string id;    // 32 hexadecimal digits, from the uid of its first operator.
    std::string name;  // "Source: events -> parse -> filter"
    int parallelism = 1;
    std::vector<GraphOperator> operators;  // The head first; each one's input stands before it.
    int in_edge = -1;                      // -1: a source.
    std::vector<int> out_edges;
};

struct JobGraph {
    std::string name;
    int max_parallelism = default_max_parallelism;
    std::vector<GraphVertex> vertices;  // Sources first; each vertex after the one it reads.
    std::vector<GraphEdge> edges;
    std::map<std::string, std::string> settings;  // The job's own, overridden by those of the start.

    [[nodiscard]] int slots() const;     // Subtask i of every vertex shares slot i.
    [[nodiscard]] int subtasks() const;  // Over all vertices.
};

struct GraphOptions {
    int parallelism = 0;  // 0: the job's own, then parallelism.default, then 1.
    std::map<std::string, std::string> settings;
};

// Errors: invalid (no source, doubled uid, a type that cannot be serialised where it must, parallelism out of range).
[[nodiscard]] Result<JobGraph> build_graph(const Environment& environment, const GraphOptions& options);

// The setting "VERTEX ID:PARALLELISM,…", applied after operators were chained: vertices keep their ids.
inline constexpr std::string_view parallelism_overrides = "pipeline.jobvertex-parallelism-overrides";
// By vertex id. Errors: invalid (no such vertex, out of range); the graph is then as it was.
[[nodiscard]] Status override_parallelism(JobGraph& graph, const std::map<std::string, int>& parallelism);

[[nodiscard]] std::string to_json(const JobGraph& graph);
[[nodiscard]] Result<JobGraph> graph_from_json(const std::string& text);

[[nodiscard]] std::string hash_id(std::string_view text);  // 32 hexadecimal digits.

// "300 s", "2 min", "1 h", "500 ms", "2000" (ms), as Flink writes durations. Errors: invalid.
[[nodiscard]] Result<std::int64_t> parse_duration_ms(std::string_view text);

}  // namespace medic::engine::flow
