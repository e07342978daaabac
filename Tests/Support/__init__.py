# SPDX-License-Identifier: Apache-2.0
# The black-box tests' own library: packets at byte level, a plain client, brokers as child processes, a runner.
