#include "agent/config/drills.h"

#include "agent/base/yaml.h"

namespace medic {

Result<DrillsConfig> load_drills_config(const std::string& path, const std::string& cluster) {
    MEDIC_TRY(const YamlNode top, load_yaml_file(path));
    const YamlNode section = top.get("clusters").get(cluster);
    if (!section) return fail(ErrorCode::invalid, "{}: no cluster `{}`", path, cluster);
    const YamlNode key = section.get("drills");
    if (!key) return DrillsConfig{.allowed = false, .where = top.get("clusters").key_node(cluster).where()};
    // Whatever else stands there was refused by load_config_file(), and allows nothing.
    return DrillsConfig{.allowed = key.text() == "allowed", .where = key.where()};
}

}  // namespace medic
