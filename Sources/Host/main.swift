// SPDX-License-Identifier: Apache-2.0
// The program starts here: everything else is said on the command line.

IsthmusCommand.main()
