import { visit } from './visit.js';

visit();
