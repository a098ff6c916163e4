#include "engine/connect/config_store.h"

#include <filesystem>

#include <nlohmann/json.hpp>

#include "agent/base/url.h"
#include "agent/world/real/http_server.h"
#include "engine/common/files.h"

namespace medic::engine::connect {
namespace {

using nlohmann::json;

std::string connectors_file(const std::string& data_dir) { return data_dir + "/connectors.json"; }

// Connector names may hold any character; file names may not.
std::string offset_file(const std::string& data_dir, const TaskKey& task) {
    return fmt::format("{}/offsets/{}-{}.json", data_dir, url_encode(task.connector), task.task);
}

}  // namespace

Result<std::map<std::string, StoredConnector>> load_connectors(const std::string& data_dir) {
    std::map<std::string, StoredConnector> connectors;
    const std::string path = connectors_file(data_dir);
    MEDIC_TRY(const auto text, read_file_if_there(path));
    if (!text) return connectors;
    try {
        const json document = json::parse(*text);
        for (const auto& [name, entry] : document.at("connectors").items()) {
            auto& stored = connectors[name];
            stored.config = entry.at("config").get<Config>();
            stored.target = parse_state(entry.at("target").get<std::string>()).value_or(State::running);
        }
    } catch (const json::exception& error) {
        return fail(ErrorCode::invalid, "{}: {}", path, error.what());
    }
    return connectors;
}

Status save_connectors(const std::string& data_dir, const std::map<std::string, StoredConnector>& connectors) {
    json entries = json::object();
    for (const auto& [name, stored] : connectors)
        entries[name] = {{"config", stored.config}, {"target", to_string(stored.target)}};
    const json document = {{"schema", 1}, {"connectors", entries}};
    return write_file_whole(connectors_file(data_dir),
                            document.dump(1, ' ', false, json::error_handler_t::replace) + "\n");
}

Result<std::optional<SourceOffset>> load_source_offset(const std::string& data_dir, const TaskKey& task) {
    const std::string path = offset_file(data_dir, task);
    MEDIC_TRY(const auto text, read_file_if_there(path));
    if (!text) return std::nullopt;
    try {
        const json document = json::parse(*text);
        return SourceOffset{document.at("partition").dump(), document.at("offset").dump()};
    } catch (const json::exception& error) {
        return fail(ErrorCode::invalid, "{}: {}", path, error.what());
    }
}

Status save_source_offset(const std::string& data_dir, const TaskKey& task, const SourceOffset& offset) {
    std::error_code ignored;
    std::filesystem::create_directories(data_dir + "/offsets", ignored);
    return write_file_whole(offset_file(data_dir, task), fmt::format("{{\"partition\":{},\"offset\":{}}}\n",
                                                                     offset.partition_json, offset.offset_json));
}

}  // namespace medic::engine::connect
