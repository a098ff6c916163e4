#include "engine/flow/runtime/job_graph.h"

#include <algorithm>
#include <charconv>
#include <set>

#include <xxhash.h>
#include <nlohmann/json.hpp>

namespace medic::engine::flow {
namespace {

using json = nlohmann::json;

class Builder {
public:
    Builder(const Environment& environment, const GraphOptions& options) : nodes_(environment.nodes()) {
        graph_.name = environment.job_name();
        graph_.settings = environment.settings();
        for (const auto& [key, value] : options.settings) graph_.settings[key] = value;
        if (const auto given = graph_.settings.find("pipeline.name"); given != graph_.settings.end())
            graph_.name = given->second;
        parallelism_ = options.parallelism > 0 ? options.parallelism : environment.job_parallelism();
    }

    Result<JobGraph> build() {
        MEDIC_CHECK(read_settings());
        MEDIC_CHECK(check_uids());
        vertex_of_.assign(nodes_.size(), -1);
        for (std::size_t i = 0; i < nodes_.size(); ++i) MEDIC_CHECK(place(static_cast<int>(i)));
        if (graph_.vertices.empty())
            return fail(ErrorCode::invalid, "No operators defined in streaming topology. Cannot execute.");
        MEDIC_TRY(const auto overrides, read_overrides());
        MEDIC_CHECK(override_parallelism(graph_, overrides));
        return std::move(graph_);
    }

private:
    Status read_settings() {
        MEDIC_TRY(const int by_default, number("parallelism.default", 1));
        if (parallelism_ <= 0) parallelism_ = by_default;
        MEDIC_TRY(graph_.max_parallelism, number("pipeline.max-parallelism", default_max_parallelism));
        return {};
    }

    Result<int> number(const std::string& key, int fallback) const {
        const auto found = graph_.settings.find(key);
        if (found == graph_.settings.end()) return fallback;
        int value = 0;
        const char* end = found->second.data() + found->second.size();
        if (const auto [at, error] = std::from_chars(found->second.data(), end, value);
            error != std::errc{} || at != end || value < 1 || value > 32768)
            return fail(ErrorCode::invalid, "{}: expected a number from 1 to 32768, got '{}'", key, found->second);
        return value;
    }

    Result<std::map<std::string, int>> read_overrides() const {
        std::map<std::string, int> overrides;
        const auto found = graph_.settings.find(std::string(parallelism_overrides));
        if (found == graph_.settings.end()) return overrides;
        for (std::string_view left = found->second; !left.empty();) {
            const std::string_view one = left.substr(0, left.find(','));
            left.remove_prefix(std::min(left.size(), one.size() + 1));
            const auto colon = one.find(':');
            int value = 0;
            const std::string_view number = colon == one.npos ? "" : one.substr(colon + 1);
            const auto [at, error] = std::from_chars(number.data(), number.data() + number.size(), value);
            if (error != std::errc{} || at != number.data() + number.size())
                return fail(ErrorCode::invalid, "{}: expected VERTEX-ID:PARALLELISM, got '{}'", found->first, one);
            overrides[std::string(one.substr(0, colon))] = value;
        }
        return overrides;
    }

    Status check_uids() const {
        std::set<std::string> seen;
        for (const Node& node : nodes_)
            if (!seen.insert(node.uid).second)
                return fail(ErrorCode::invalid,
                            "Hash collision on user-specified ID \"{}\": two operators have this uid or name; give one "
                            "another uid()",
                            node.uid);
        return {};
    }

    [[nodiscard]] int parallelism_of(const Node& node) const {
        return node.parallelism > 0 ? node.parallelism : parallelism_;
    }

    [[nodiscard]] bool chained(const Node& node) const {
        if (node.is_source() || node.new_chain || node.shipping != Shipping::forward) return false;
        return parallelism_of(nodes_[static_cast<std::size_t>(node.input)]) == parallelism_of(node);
    }

    Status place(int index) {
        const Node& node = nodes_[static_cast<std::size_t>(index)];
        if (const int parallelism = parallelism_of(node); parallelism > graph_.max_parallelism)
            return fail(ErrorCode::invalid, "operator '{}': parallelism {} is higher than the maximum parallelism {}",
                        node.name, parallelism, graph_.max_parallelism);
        const GraphOperator described{index,
                                      node.uid,
                                      node.is_source() ? "Source: " + node.name : node.name,
                                      hash_id(node.uid),
                                      node.state_version,
                                      node.stateful};
        if (chained(node)) {
            const int vertex = vertex_of_[static_cast<std::size_t>(node.input)];
            vertex_of_[static_cast<std::size_t>(index)] = vertex;
            GraphVertex& into = graph_.vertices[static_cast<std::size_t>(vertex)];
            into.operators.push_back(described);
            into.name += " -> " + described.name;
            return {};
        }
        const int vertex = static_cast<int>(graph_.vertices.size());
        vertex_of_[static_cast<std::size_t>(index)] = vertex;
        GraphVertex added{described.id, described.name, parallelism_of(node), {described}, -1, {}};
        if (!node.is_source()) {
            if (!node.codec)
                return fail(
                    ErrorCode::invalid,
                    "operator '{}': the type of its records has no Serializer, but they must cross to another task",
                    node.name);
            const int from = vertex_of_[static_cast<std::size_t>(node.input)];
            added.in_edge = static_cast<int>(graph_.edges.size());
            const Shipping shipping =
                node.shipping == Shipping::forward &&
                        parallelism_of(nodes_[static_cast<std::size_t>(node.input)]) != parallelism_of(node)
                    ? Shipping::rebalance
                    : node.shipping;
            graph_.vertices[static_cast<std::size_t>(from)].out_edges.push_back(added.in_edge);
            graph_.edges.push_back({from, vertex, node.input, node.input_tag, index, shipping});
        }
        graph_.vertices.push_back(std::move(added));
        return {};
    }

    const std::vector<Node>& nodes_;
    int parallelism_ = 0;
    std::vector<int> vertex_of_;
    JobGraph graph_;
};

}  // namespace

int JobGraph::slots() const {
    int most = 0;
    for (const GraphVertex& vertex : vertices) most = std::max(most, vertex.parallelism);
    return most;
}

int JobGraph::subtasks() const {
    int all = 0;
    for (const GraphVertex& vertex : vertices) all += vertex.parallelism;
    return all;
}

Status override_parallelism(JobGraph& graph, const std::map<std::string, int>& parallelism) {
    for (const auto& [id, value] : parallelism) {
        if (std::ranges::find(graph.vertices, id, &GraphVertex::id) == graph.vertices.end())
            return fail(ErrorCode::invalid, "the job has no vertex {}", id);
        if (value < 1 || value > graph.max_parallelism)
            return fail(ErrorCode::invalid, "vertex {}: expected a parallelism from 1 to {}, got {}", id,
                        graph.max_parallelism, value);
    }
    for (GraphVertex& vertex : graph.vertices)
        if (const auto found = parallelism.find(vertex.id); found != parallelism.end())
            vertex.parallelism = found->second;
    const auto width = [&](int vertex) { return graph.vertices[static_cast<std::size_t>(vertex)].parallelism; };
    for (GraphEdge& edge : graph.edges)
        if (edge.shipping == Shipping::forward && width(edge.source_vertex) != width(edge.target_vertex))
            edge.shipping = Shipping::rebalance;
    return {};
}

Result<JobGraph> build_graph(const Environment& environment, const GraphOptions& options) {
    return Builder(environment, options).build();
}

std::string to_json(const JobGraph& graph) {
    json out = {{"name", graph.name},
                {"max_parallelism", graph.max_parallelism},
                {"settings", graph.settings},
                {"vertices", json::array()},
                {"edges", json::array()}};
    for (const GraphVertex& vertex : graph.vertices) {
        json operators = json::array();
        for (const GraphOperator& op : vertex.operators)
            operators.push_back({{"node", op.node},
                                 {"uid", op.uid},
                                 {"name", op.name},
                                 {"id", op.id},
                                 {"state_version", op.state_version},
                                 {"stateful", op.stateful}});
        out["vertices"].push_back({{"id", vertex.id},
                                   {"name", vertex.name},
                                   {"parallelism", vertex.parallelism},
                                   {"operators", operators},
                                   {"in_edge", vertex.in_edge},
                                   {"out_edges", vertex.out_edges}});
    }
    for (const GraphEdge& edge : graph.edges)
        out["edges"].push_back({{"source_vertex", edge.source_vertex},
                                {"target_vertex", edge.target_vertex},
                                {"source_node", edge.source_node},
                                {"tag", edge.tag},
                                {"target_node", edge.target_node},
                                {"shipping", static_cast<int>(edge.shipping)}});
    return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<JobGraph> graph_from_json(const std::string& text) {
    try {
        const json in = json::parse(text);
        JobGraph graph;
        graph.name = in.at("name").get<std::string>();
        graph.max_parallelism = in.at("max_parallelism").get<int>();
        graph.settings = in.at("settings").get<std::map<std::string, std::string>>();
        for (const json& v : in.at("vertices")) {
            GraphVertex vertex{v.at("id").get<std::string>(),  v.at("name").get<std::string>(),
                               v.at("parallelism").get<int>(), {},
                               v.at("in_edge").get<int>(),     v.at("out_edges").get<std::vector<int>>()};
            for (const json& o : v.at("operators"))
                vertex.operators.push_back({o.at("node").get<int>(), o.at("uid").get<std::string>(),
                                            o.at("name").get<std::string>(), o.at("id").get<std::string>(),
                                            o.at("state_version").get<int>(), o.at("stateful").get<bool>()});
            graph.vertices.push_back(std::move(vertex));
        }
        for (const json& e : in.at("edges"))
            graph.edges.push_back({e.at("source_vertex").get<int>(), e.at("target_vertex").get<int>(),
                                   e.at("source_node").get<int>(), e.at("tag").get<int>(),
                                   e.at("target_node").get<int>(), static_cast<Shipping>(e.at("shipping").get<int>())});
        return graph;
    } catch (const json::exception& error) {
        return fail(ErrorCode::internal, "job graph: {}", error.what());
    }
}

std::string hash_id(std::string_view text) {
    const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
    return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

Result<std::int64_t> parse_duration_ms(std::string_view text) {
    std::int64_t value = 0;
    const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    std::string_view unit(at, static_cast<std::size_t>(text.data() + text.size() - at));
    while (unit.starts_with(' ')) unit.remove_prefix(1);
    static constexpr std::pair<std::string_view, std::int64_t> units[] = {
        {"", 1},         {"ms", 1},     {"s", 1000},      {"sec", 1000},
        {"min", 60'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
    if (error == std::errc{} && value >= 0)
        for (const auto& [name, factor] : units)
            if (unit == name) return value * factor;
    return fail(ErrorCode::invalid, "'{}' is not a duration: expected for example '500 ms', '10 s', '5 min'", text);
}

}  // namespace medic::engine::flow
