// medic.yaml as text from a picture: what was found, and a comment with the line to add for what was not.
#pragma once

#include <string>
#include <vector>

#include "agent/discovery/picture.h"

namespace medic::discovery {

struct ConfigTextOptions {
    std::string data_dir;
    std::string command;  // How it was called, for the head; without secrets.
    std::size_t bootstrap_max = 3;
};

// Valid for load_config(); a test holds it to that.
[[nodiscard]] std::string config_text(const ClusterConfig& cluster, const Picture& picture,
                                      const ConfigTextOptions& options);

// --- For update()
// -------------------------------------------------------------------------------------------------------
[[nodiscard]] std::string quoted(const std::string& text);  // As a YAML scalar.
// "auth: {…}", "tls: {…}": how the endpoint at `url` is opened; none for a plain one. No secret, only its place.
[[nodiscard]] std::vector<std::string> access_items(const ClusterConfig& cluster, const std::string& url);
[[nodiscard]] std::string page_item(const PageConfig& page);  // {url: …, kind: …, node: …}
[[nodiscard]] std::string node_item(const std::string& name, const std::string& role, const std::string& zone);
// Nodes that pages name, and every broker when one of them is named.
struct NodeWanted {
    std::string name, role, zone;
};
[[nodiscard]] std::vector<NodeWanted> nodes_wanted(const Picture& picture);

}  // namespace medic::discovery
