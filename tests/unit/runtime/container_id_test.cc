// SPDX-License-Identifier: Apache-2.0
#include "src/runtime/container_id.h"

#include <gtest/gtest.h>

#include <string>

namespace ft = fast_telemetry;

namespace container_id_test {

const std::string hex = "3726184226f5d3147c25fdeab5b60097e378e8a720503a5e19ecfdf29f869860";
const std::string uuid = "34dc0b5e-626f-2c5c-4c51-70e34b10e765";
const std::string task = "34dc0b5e626f2c5c4c5170e34b10e765-1234567890";

// D-7. Mutations seen red: `.scope` not taken off; the UUID's `_` refused; the task's number taken for the whole.
TEST(ContainerId, ends_a_path_of_the_cgroups) {
  const auto id = [](const std::string& text) { return std::string{ft::detail::container_id_of_cgroup(text)}; };
  EXPECT_EQ(id("11:memory:/docker/" + hex + "\n"), hex);
  EXPECT_EQ(id("0::/system.slice/docker-" + hex + ".scope\n"), hex);
  EXPECT_EQ(id("0::/\n1:name=systemd:/kubepods/burstable/pod3d274242-8ee0-11e9-a8a6-1e68d864ef1a/" + hex + "\n"), hex);
  EXPECT_EQ(id("1:cpu:/kubepods.slice/cri-containerd-" + hex + ".scope"), hex);
  EXPECT_EQ(id("1:cpuset:/garden/" + uuid), uuid);
  EXPECT_EQ(id("1:cpuset:/garden/34dc0b5e_626f_2c5c_4c51_70e34b10e765"), "34dc0b5e_626f_2c5c_4c51_70e34b10e765");
  EXPECT_EQ(id("9:perf_event:/ecs/" + task + "\n"), task);
  EXPECT_EQ(id("3:a:/docker/x\n2:b:/docker/" + hex + "\n1:c:/docker/" + std::string(64, 'f') + "\n"), hex);
}

TEST(ContainerId, is_none_where_no_path_has_one) {
  for (const std::string& text :
       {std::string{}, std::string{"\n"}, std::string{"0::/\n"}, std::string{":::"}, std::string{"0::/user.slice\n"},
        "0::/docker/" + hex + "/init.scope\n", "0::/docker/" + hex.substr(1) + "\n", "0::/docker/" + hex + ".slice\n",
        "0::/" + std::string(63, 'a') + "G\n", std::string{"0::/34dc0b5e626f2c5c4c5170e34b10e765-\n"},
        std::string("-1"), std::string{"0::/" + std::string(31, 'a') + "-12"}}) {
    EXPECT_EQ(ft::detail::container_id_of_cgroup(text), "") << text;
  }
}

// D-7. Mutation seen red: `sandboxes` not looked at.
TEST(ContainerId, is_in_the_path_of_hostname_among_the_mounts) {
  const auto id = [](const std::string& text) { return std::string{ft::detail::container_id_of_mountinfo(text)}; };
  EXPECT_EQ(id("1 2 8:1 / / rw - ext4 /dev/sda rw\n605 1 8:1 /var/lib/docker/containers/" + hex +
               "/hostname /etc/hostname rw - ext4 /dev/vda1 rw\n"),
            hex);
  EXPECT_EQ(id("1 2 0:1 /kubelet/pods/" + hex + "/etc-hosts /etc/hosts rw\n1 2 0:1 /containers/" + uuid +
               "/rootfs/etc/hostname /etc/hostname rw\n"),
            uuid);
  EXPECT_EQ(id("1 2 0:1 /containerd/io.containerd.grpc.v1.cri/sandboxes/" + hex + "/hostname /etc/hostname rw\n"), "");
  EXPECT_EQ(id("1 2 0:1 /containers/" + hex + "/resolv.conf /etc/resolv.conf rw\n"), "");
  EXPECT_EQ(id("1 2 0:1 /containers/x" + hex + "/hostname /etc/hostname rw\n"), "");
  EXPECT_EQ(id(""), "");
  EXPECT_EQ(id("hostname\n/hostname\n//hostname /" + hex), "");
}

}  // namespace container_id_test
