// What a YAML file holds once it is read: values in one list, by index. Written by yaml_load.cc, read by YamlNode.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/yaml.h"

namespace medic {

struct YamlNode::Document {
    struct Node {
        Kind kind = Kind::null;
        bool quoted = false;
        int line = 0, column = 0;  // From 1.
        std::string text;
        std::vector<std::uint32_t> children;  // Of a map: key, value, key, value, …
    };
    std::string name;
    std::vector<Node> nodes;
};

}  // namespace medic
